/**
 * Tokens of the service account that Google has attached to the machine, the pod or the service the
 * gateway runs on, from its metadata server. An answer that does not say that it is Google's is taken
 * for that of something else in its place.
 *
 * @module
 */
import type { GoogleMetadata } from "../../config/schemes/google/google_credentials.ts";
import { fingerprint, type Token, type TokenSource } from "../token.ts";
import {
  cannotFetch,
  exchange,
  type ProviderConnection,
  withinTimeLimit,
} from "../provider_exchange.ts";
import { parseTokenResponse } from "../oauth2/token_response.ts";
import { withOAuthError } from "./google_error.ts";

const SERVICE = "Google metadata server";
const FLAVOR = "metadata-flavor";

/** A service account of the platform. */
export class MetadataSource implements TokenSource {
  /** The metadata server. */
  readonly endpoint: string;
  readonly fingerprint: string;
  readonly #connection: ProviderConnection;
  readonly #url: string;
  readonly #account: string;

  /**
   * @param metadata The metadata server and the account.
   * @param scope Scopes to ask for, separated by blanks; a machine may be limited to fewer.
   */
  constructor(metadata: GoogleMetadata, scope: string, connection: ProviderConnection) {
    this.#connection = connection;
    this.#account = metadata.account;
    const account = encodeURIComponent(metadata.account);
    const path = `/computeMetadata/v1/instance/service-accounts/${account}/token`;
    const url = new URL(path, metadata.origin);
    this.endpoint = url.href;
    url.searchParams.set("scopes", scope.split(/\s+/).filter((each) => each !== "").join(","));
    this.#url = url.href;
    this.fingerprint = fingerprint([metadata.type, this.#url]);
  }

  /**
   * Asks for a token, once. The server may answer with one that it gave out before.
   *
   * @throws {GatewayError} As `parseTokenResponse` and `exchange`.
   */
  acquire(signal: AbortSignal): Promise<Token> {
    const { server, clock } = this.#connection;
    return withinTimeLimit(this.#connection, SERVICE, signal, async (signal) => {
      const issuedAtMs = clock.now();
      const headers = { [FLAVOR]: "Google" };
      const answer = await exchange(this.#connection, SERVICE, { url: this.#url, headers, signal });
      if (answer.headers.get(FLAVOR) !== "Google") {
        const state = `the server that answered ${answer.status} does not identify itself as the ` +
          `${SERVICE}`;
        throw cannotFetch("TOK-005", server, state, {
          troubleshooting: [
            'Google: use "CredentialSource": "metadata" on Google Cloud only, and no proxy on the way',
          ],
        });
      }
      if (answer.status === 404) {
        const state = `${SERVICE} answered 404: there is no service account ${this.#account}`;
        throw cannotFetch("AUTH-001", server, state, {
          troubleshooting: [
            "Google: attach a service account to the machine or service, or correct ServiceAccount",
          ],
        });
      }
      return parseTokenResponse(withOAuthError(answer), {
        server,
        issuedAtMs,
        secrets: [],
        service: SERVICE,
        endpoint: this.endpoint,
        provider: "google",
      });
    });
  }
}
