/**
 * Tokens of a Google service account for somebody who may act in its name: their own token is shown to
 * the IAM Service Account Credentials API, which makes one of the account's.
 *
 * @module
 */
import type { GoogleImpersonation } from "../../config/schemes/google/google_credentials.ts";
import { fingerprint, type Token, type TokenSource } from "../token.ts";
import {
  cannotFetch,
  exchange,
  type ProviderAnswer,
  type ProviderConnection,
  withinTimeLimit,
} from "../provider_exchange.ts";
import { MAX_EXPIRES_IN_SECONDS, parseTokenResponse } from "../oauth2/token_response.ts";
import { withOAuthError } from "./google_error.ts";

const SERVICE = "IAM Service Account Credentials API";

/** The scope that a token must have for this API. */
export const IMPERSONATION_SCOPE = "https://www.googleapis.com/auth/cloud-platform";

/** A service account in whose name somebody acts. */
export class ImpersonationSource implements TokenSource {
  readonly fingerprint: string;
  readonly #source: TokenSource;
  readonly #impersonation: GoogleImpersonation;
  readonly #scope: string;
  readonly #connection: ProviderConnection;

  /**
   * @param source Whose token is shown; it has `IMPERSONATION_SCOPE`.
   * @param scope Scopes of the token that is made, separated by blanks.
   */
  constructor(
    source: TokenSource,
    impersonation: GoogleImpersonation,
    scope: string,
    connection: ProviderConnection,
  ) {
    this.#source = source;
    this.#impersonation = impersonation;
    this.#scope = scope;
    this.#connection = connection;
    const { url, delegates, lifetimeSeconds } = impersonation;
    this.fingerprint = fingerprint([
      source.fingerprint,
      url,
      delegates,
      String(lifetimeSeconds),
      scope,
    ]);
  }

  /** Where the account's token is made. */
  get endpoint(): string {
    return this.#impersonation.url;
  }

  /**
   * Gets the own token and has one of the account made, once.
   *
   * @throws {GatewayError} As the own source; AUTH-002 where the own identity may not act for the
   * account, and as `parseTokenResponse`.
   */
  async acquire(signal: AbortSignal): Promise<Token> {
    const own = await this.#source.acquire(signal);
    const { delegates, lifetimeSeconds } = this.#impersonation;
    const { clock } = this.#connection;
    return await withinTimeLimit(this.#connection, SERVICE, signal, async (signal) => {
      const issuedAtMs = clock.now();
      const answer = await exchange(this.#connection, SERVICE, {
        url: this.endpoint,
        method: "POST",
        headers: {
          "accept": "application/json",
          "authorization": `${own.type} ${own.value}`,
          "content-type": "application/json",
        },
        body: JSON.stringify({
          scope: this.#scope.split(/\s+/).filter((each) => each !== ""),
          lifetime: `${lifetimeSeconds}s`,
          ...(delegates.length > 0 && {
            delegates: delegates.map((each) =>
              each.includes("/") ? each : `projects/-/serviceAccounts/${each}`
            ),
          }),
        }),
        signal,
      });
      return this.#judge(answer, issuedAtMs, own.value);
    });
  }

  /** The API's answer has names of its own for what OAuth2 calls `access_token` and `expires_in`. */
  #judge(answer: ProviderAnswer, issuedAtMs: number, ownToken: string): Token {
    const { server } = this.#connection;
    const { accessToken, expireTime } = members(answer);
    const token = parseTokenResponse(
      answer.status === 200
        ? { ...answer, body: JSON.stringify({ access_token: accessToken }) }
        : withOAuthError(answer),
      {
        server,
        issuedAtMs,
        secrets: [ownToken],
        service: SERVICE,
        endpoint: this.endpoint,
        provider: "google",
      },
    );
    const expiresAtMs = typeof expireTime === "string" ? Date.parse(expireTime) : NaN;
    if (Number.isNaN(expiresAtMs)) return token;
    if (expiresAtMs <= issuedAtMs) {
      const state = `${SERVICE} returned a token that has expired by the gateway's clock`;
      throw cannotFetch("TOK-005", server, state, {
        troubleshooting: ["Correct the clock of the gateway's machine"],
      });
    }
    const longestMs = issuedAtMs + MAX_EXPIRES_IN_SECONDS * 1000;
    return { ...token, expiresAtMs: Math.min(expiresAtMs, longestMs) };
  }
}

function members({ body }: ProviderAnswer): Readonly<Record<string, unknown>> {
  try {
    const json: unknown = JSON.parse(body);
    return typeof json === "object" && json !== null ? json as Record<string, unknown> : {};
  } catch {
    return {};
  }
}
