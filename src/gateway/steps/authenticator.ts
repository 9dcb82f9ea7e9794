/**
 * Authenticates clients by the configured schemes: API key, password, bearer token. It counts failures,
 * and does not distinguish a wrong password from an unknown user.
 */
import { auth as basicCredentials } from "hono/utils/basic-auth";
import type { ApiKeys } from "../../credentials/inbound/api_keys.ts";
import type { BearerTokens } from "../../credentials/inbound/bearer_tokens.ts";
import type { Caller, VerifiedCaller } from "../../credentials/inbound/caller.ts";
import type { Passwords } from "../../credentials/inbound/passwords.ts";
import type { VerifiedCredentials } from "../../credentials/inbound/verified_credentials.ts";
import { TokenFault } from "../../credentials/validation/token_fault.ts";
import { GatewayError } from "../../errors/gateway_error.ts";
import { clientNetwork } from "../client_address.ts";
import type { FailureThrottle } from "./failure_throttle.ts";

/** A scheme that is undefined is not accepted. */
export interface AuthenticatorOptions {
  readonly passwords?: Pick<Passwords, "check"> | undefined;
  readonly apiKeys?:
    | { readonly header: string; readonly keys: Pick<ApiKeys, "ownerOf"> }
    | undefined;
  readonly tokens?: Pick<BearerTokens, "verify" | "compare"> | undefined;
  readonly verified: VerifiedCredentials;
  readonly throttle: FailureThrottle;
  /** The wall clock in milliseconds. */
  readonly now: () => number;
}

const REALM = "DICOMweb OAuth Gateway";

/** How long a verified password or key is cached. */
const VERIFIED_MS = 5 * 60_000;

export class Authenticator {
  readonly #options: AuthenticatorOptions;
  /** Checks in progress: concurrent first requests of a client cost one check. */
  readonly #running = new Map<string, Promise<Caller>>();

  constructor(options: AuthenticatorOptions) {
    this.#options = options;
  }

  /**
   * @throws {GatewayError} AUTH-005 without valid credentials, AUTH-006 after too many failures, AUTH-007
   * if the token lacks a scope or role, AUTH-009 if the credential cannot be checked now.
   */
  identify(request: Request, address: string): Caller | Promise<Caller> {
    const { apiKeys, verified } = this.#options;
    const { headers } = request;
    const key = apiKeys === undefined ? null : headers.get(apiKeys.header);
    const authorization = key === null ? headers.get("authorization") : null;
    if (key === null && authorization === null) {
      throw this.#refusal("no credential was sent");
    }
    const digest = verified.digest(key === null ? `header ${authorization}` : `key ${key}`);
    const known = verified.get(digest);
    if (known !== undefined) return known;
    const running = this.#running.get(digest);
    if (running !== undefined) return running;
    const check = this.#check(request, key, clientNetwork(address)).then((found) => {
      verified.set(digest, found);
      return found.caller;
    }).finally(() => this.#running.delete(digest));
    this.#running.set(digest, check);
    return check;
  }

  async #check(request: Request, key: string | null, address: string): Promise<VerifiedCaller> {
    const { apiKeys, passwords, tokens } = this.#options;
    if (key !== null) return this.#checkKey(key, address);
    const authorization = request.headers.get("authorization") ?? "";
    const scheme = /^[A-Za-z]+(?= )/.exec(authorization)?.[0].toLowerCase();
    if (scheme === "basic" && passwords !== undefined) {
      const given = basicCredentials(request);
      if (given === undefined) throw this.#refusal("malformed user name and password");
      return await this.#checkPassword(given, address);
    }
    if (scheme === "bearer" && tokens !== undefined) {
      const token = authorization.slice("bearer ".length).trim();
      return await this.#checkToken(token, address);
    }
    const header = apiKeys === undefined ? "" : ` and no ${apiKeys.header}`;
    throw this.#refusal(`authorization scheme not accepted${header}`);
  }

  #checkKey(key: string, address: string): VerifiedCaller {
    const { throttle, apiKeys } = this.#options;
    const owner = apiKeys?.keys.ownerOf(key);
    if (owner === undefined) {
      throttle.failed(address);
      throw this.#refusal("unknown API key");
    }
    return this.#found(`key:${owner}`);
  }

  async #checkPassword(
    { username, password }: { readonly username: string; readonly password: string },
    address: string,
  ): Promise<VerifiedCaller> {
    const { throttle, passwords } = this.#options;
    const attempt = throttle.attempt({ address, user: username, password });
    let isRight: boolean | undefined;
    try {
      isRight = await passwords?.check(username, password, attempt);
    } catch (error) {
      attempt.abandoned();
      throw error;
    }
    if (!isRight) {
      attempt.failed();
      throw this.#refusal("wrong user name or password");
    }
    attempt.succeeded();
    return this.#found(`user:${username}`);
  }

  async #checkToken(token: string, address: string): Promise<VerifiedCaller> {
    const { throttle, tokens } = this.#options;
    try {
      // The check serves all requests with this token: one client's abort must not end it.
      const verified = await tokens?.verify(token, new AbortController().signal);
      if (verified !== undefined) return verified;
    } catch (error) {
      if (!(error instanceof TokenFault)) throw error;
      // If a claim is invalid the signature was valid: an old token, not an attack.
      if (error.claim === undefined) throttle.failed(address);
      throw this.#refusal(
        `token rejected: ${error.message}`,
        ', error="invalid_token"',
        tokens?.compare(token),
      );
    }
    throw this.#refusal("bearer tokens are not accepted");
  }

  #found(subject: string): VerifiedCaller {
    return { caller: { subject, roles: [] }, untilMs: this.#options.now() + VERIFIED_MS };
  }

  #refusal(
    state: string,
    bearerError = "",
    logFields: Readonly<Record<string, string>> = {},
  ): GatewayError {
    const { passwords, tokens, apiKeys } = this.#options;
    const challenges = [
      ...(passwords === undefined ? [] : [`Basic realm="${REALM}", charset="UTF-8"`]),
      ...(tokens === undefined ? [] : [`Bearer realm="${REALM}"${bearerError}`]),
      ...(apiKeys === undefined ? [] : [`ApiKey realm="${REALM}", header="${apiKeys.header}"`]),
    ];
    return new GatewayError("AUTH-005", `Authentication failed: ${state}`, {
      headers: { "www-authenticate": challenges.join(", ") },
      logFields,
    });
  }
}
