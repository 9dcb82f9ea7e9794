/**
 * The interface of every credential scheme: adds credentials to requests to one store.
 */
import type { RequestBody } from "../network/http_client.ts";

/** A body that can be sent repeatedly. */
export interface KeptBody {
  /** In bytes. */
  readonly length: number;
  /** In hexadecimal. */
  readonly sha256: () => string | Promise<string>;
  /** Opens the body at its beginning; a body opened before ends. */
  open(): RequestBody;
  /** Frees the storage; a body being sent breaks off. */
  close(): void;
}

/** A request on its way to the store. */
export interface OutboundRequest {
  readonly method: string;
  readonly url: string;
  /** Without credentials. The authorizer removes headers that only it may set. */
  readonly headers: Headers;
  readonly body: ReadableStream<Uint8Array<ArrayBuffer>> | null;
  /** The body as kept before, or by an earlier attempt of this request; takes the place of `body`. */
  readonly kept?: KeptBody | undefined;
  /** Aborts when the client disconnects. */
  readonly signal: AbortSignal;
}

/** What an authorizer adds to or replaces in a request. */
export interface Authorization {
  readonly headers: Readonly<Record<string, string>>;
  /** Replaces the URL if the signature needs another spelling of it. */
  readonly url?: string;
  /** Replaces the body if the authorizer had to read it. */
  readonly body?: RequestBody;
  /** Keeps `body` for retries; the store closes it after the exchange. */
  readonly kept?: KeptBody;
}

/** Adds the credentials of one scheme to requests to one store. */
export interface Authorizer {
  /**
   * Makes the headers that authorize a request; without a promise if nothing has to be awaited,
   * because every request takes this path.
   *
   * @throws {GatewayError} TOK-…, AUTH-… or NET-… if no credential is available.
   */
  authorize(request: OutboundRequest): Authorization | Promise<Authorization>;
  /**
   * Reports that the store answered 401 or 403. If the response is about the credential, which each
   * scheme decides, the credential is discarded.
   *
   * @param refusal Goes to the client if there is no retry: read its body from a clone.
   * @returns Whether `authorize` may return another credential now.
   */
  invalidate(authorization: Authorization, refusal: Response): Promise<boolean>;
  /** Receives the URL and headers of every response of the store. */
  observe?(url: string, headers: Headers): void;
  /** Never contains the credential itself. */
  describe(): CredentialStatus;
  /**
   * Replaces the credential by a new one now; the current one stays in use if that fails.
   *
   * @throws {GatewayError} As `authorize`.
   */
  renew(signal?: AbortSignal): Promise<void>;
  /**
   * Discards cached credentials that an operator has revoked, in this worker and for all that share
   * the cache. Credentials in the configuration stay.
   *
   * @param revocation A new identifier; repeating one has no effect.
   * @throws {GatewayError} INT-002 if it was discarded here, but the shared cache is unreachable.
   */
  forget(revocation: string): Promise<void>;
  close(): Promise<void>;
}

/** Facts about a credential that may be shown. */
export interface CredentialStatus {
  /** The credential scheme, as in the configuration. */
  readonly kind: string;
  /** The token endpoint or metadata service. */
  readonly endpoint: string | undefined;
  readonly hasToken: boolean;
  /** Expiry of the token, in the past if renewal failed; in milliseconds since the epoch. */
  readonly expiresAtMs: number | undefined;
  /** The scope that the token response states. */
  readonly scope?: string;
}
