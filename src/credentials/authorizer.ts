/**
 * The interface behind which every way of signing a request stands.
 *
 * @module
 */
import type { RequestBody } from "../network/http_client.ts";

/** A body that can be sent, and sent again. */
export interface KeptBody {
  /** Its length in bytes. */
  readonly length: number;
  /** Its SHA-256, in hexadecimal. */
  readonly sha256: string;
  /**
   * Opens it for sending, from its beginning. What was opened before gives nothing more.
   *
   * @returns What to send; it goes with its length.
   */
  open(): RequestBody;
  /** Frees what holds it. What is being sent breaks off. */
  close(): void;
}

/** A request on its way to the store. */
export interface OutboundRequest {
  readonly method: string;
  /** The whole URL at the store. */
  readonly url: string;
  /** Headers so far, without credentials. What only signing may say is removed from them. */
  readonly headers: Headers;
  readonly body: ReadableStream<Uint8Array<ArrayBuffer>> | null;
  /** The body as an earlier attempt of the same request kept it; `body` is then used up. */
  readonly kept?: KeptBody | undefined;
  /** Aborts when the client has gone. */
  readonly signal: AbortSignal;
}

/** What signing adds to a request. */
export interface Authorization {
  /** Headers to set, by name. */
  readonly headers: Readonly<Record<string, string>>;
  /** The URL to send to, where what is signed had to be written in another form. */
  readonly url?: string;
  /** The body to send instead, where signing had to read it. */
  readonly body?: RequestBody;
  /** What holds `body` until the exchange is over, so that it can be sent again; the store closes it. */
  readonly kept?: KeptBody;
}

/** One way of signing requests to one store. */
export interface Authorizer {
  /**
   * Makes the headers that authorize a request. Answers without a promise where nothing has to
   * be waited for, because this stands in the path of every request.
   *
   * @throws {GatewayError} TOK-…, AUTH-… or NET-… when no credential can be had.
   */
  authorize(request: OutboundRequest): Authorization | Promise<Authorization>;
  /**
   * Tells that the store refused (401, 403) what `authorize` gave. Each way of signing knows which
   * answers are about the credential: that is then not used again.
   *
   * @param refusal The answer. It goes to the client if nothing else can be tried: whoever looks into
   * its body looks into a clone.
   * @returns Whether asking `authorize` again may give something else.
   */
  invalidate(authorization: Authorization, refusal: Response): Promise<boolean>;
  /**
   * Sees what every answer of the store brings for the next request.
   *
   * @param url The URL that answered.
   */
  observe?(url: string, headers: Headers): void;
  /** What may be told about the credential: never the credential itself. */
  describe(): CredentialStatus;
  /**
   * Fetches a new credential now and puts it in the place of the one at hand, which stays in use
   * if that fails.
   *
   * @throws {GatewayError} As `authorize`.
   */
  renew(signal?: AbortSignal): Promise<void>;
  /**
   * Drops what is cached, here and for everyone who shares the cache: an operator has revoked it, so
   * it is not used again, whoever fetched it. What the configuration holds is no cache and stays.
   *
   * @param revocation A new identifier. Whoever is told of the same one again has nothing to do.
   * @throws {GatewayError} INT-002 when it was dropped here, but the shared cache cannot be told now.
   */
  forget(revocation: string): Promise<void>;
  /** Stops background work and frees what is held. */
  close(): Promise<void>;
}

/** What may be told about a credential. */
export interface CredentialStatus {
  /** The way of signing, as in the configuration. */
  readonly kind: string;
  /** The token endpoint or metadata service asked, where there is one. */
  readonly endpoint: string | undefined;
  /** Whether a token is at hand. */
  readonly hasToken: boolean;
  /**
   * When the token at hand expires or, where no other could be had since, expired; in milliseconds since
   * the epoch.
   */
  readonly expiresAtMs: number | undefined;
}
