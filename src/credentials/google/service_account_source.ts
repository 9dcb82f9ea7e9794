/**
 * Tokens of a Google service account by its key: a short-lived assertion signed with it is exchanged
 * for a token (JWT bearer grant, RFC 7523, section 2.1). The key itself is never sent.
 *
 * @module
 */
import { type CryptoKey, importPKCS8, type JWTHeaderParameters, SignJWT } from "jose";
import type { GoogleServiceAccount } from "../../config/schemes/google/google_credentials.ts";
import { fingerprint, type Token, type TokenSource } from "../token.ts";
import type { ProviderConnection } from "../provider_exchange.ts";
import { TokenEndpoint } from "../oauth2/token_endpoint.ts";
import { withOAuthError } from "./google_error.ts";

const GRANT = new URLSearchParams({ grant_type: "urn:ietf:params:oauth:grant-type:jwt-bearer" });
const ALGORITHM = "RS256";

/** The longest life of an assertion that Google accepts. */
const ASSERTION_SECONDS = 3600;

/** A service account by its key. */
export class ServiceAccountSource implements TokenSource {
  readonly fingerprint: string;
  readonly #account: GoogleServiceAccount;
  readonly #scope: string;
  readonly #connection: ProviderConnection;
  readonly #endpoint: TokenEndpoint;
  #key: Promise<CryptoKey> | undefined;

  /** @param scope Scopes to ask for, separated by blanks. */
  constructor(account: GoogleServiceAccount, scope: string, connection: ProviderConnection) {
    this.#account = account;
    this.#scope = scope;
    this.#connection = connection;
    this.#endpoint = new TokenEndpoint({
      ...connection,
      url: account.tokenEndpoint,
      // A key is never sent, and an assertion is recognised by its form.
      secrets: [],
      provider: "google",
      translate: withOAuthError,
    });
    const { type, tokenEndpoint, clientEmail, privateKey } = account;
    this.fingerprint = fingerprint([type, tokenEndpoint, clientEmail, privateKey.reveal(), scope]);
  }

  /** The token endpoint. */
  get endpoint(): string {
    return this.#endpoint.url;
  }

  /**
   * Asks for a new token, once.
   *
   * @throws {GatewayError} As `TokenEndpoint.request`.
   */
  acquire(signal: AbortSignal): Promise<Token> {
    const authenticate = async (parameters: URLSearchParams) =>
      parameters.set("assertion", await this.#assertion());
    return this.#endpoint.request(GRANT, authenticate, signal);
  }

  async #assertion(): Promise<string> {
    const { clientEmail, privateKey, privateKeyId } = this.#account;
    const header: JWTHeaderParameters = {
      alg: ALGORITHM,
      typ: "JWT",
      ...(privateKeyId !== undefined && { kid: privateKeyId }),
    };
    const now = Math.floor(this.#connection.clock.now() / 1000);
    this.#key ??= importPKCS8(privateKey.reveal(), ALGORITHM);
    return await new SignJWT({ scope: this.#scope })
      .setProtectedHeader(header)
      .setIssuer(clientEmail)
      .setAudience(this.endpoint)
      .setIssuedAt(now)
      .setExpirationTime(now + ASSERTION_SECONDS)
      .sign(await this.#key);
  }
}
