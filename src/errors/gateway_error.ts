/**
 * The one error that callers of any room catch. It carries a code of the catalogue, and refuses
 * to carry secrets: whoever throws one writes its message for the person who reads the log.
 *
 * @module
 */
import { catalogue, type ErrorCode } from "./catalogue.ts";

/** What may be said about a {@linkcode GatewayError} beyond its code and message. */
export interface GatewayErrorOptions {
  /** The HTTP status the client sees instead of the catalogue's. */
  readonly status?: number;
  /** Name of the configured server that the failure belongs to. */
  readonly server?: string;
  /** Seconds after which another try may work, sent as `Retry-After`. */
  readonly retryAfterSeconds?: number;
  /** Headers of the gateway's answer, such as `www-authenticate`. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Further steps, put before the catalogue's own: a provider's own remedy, for instance. */
  readonly troubleshooting?: readonly string[];
  /** The error that led here. */
  readonly cause?: unknown;
}

/**
 * A failure with a code of the catalogue.
 *
 * @example
 * ```ts
 * import { GatewayError } from "./gateway_error.ts";
 * import assert from "node:assert/strict";
 *
 * const error = new GatewayError("TOK-001", 'Cannot fetch a token for server "main": token endpoint answered 401');
 * assert.equal(error.status, 502);
 * assert.equal(error.entry.category, "AUTHENTICATION");
 * ```
 */
export class GatewayError extends Error {
  override readonly name = "GatewayError";
  /** The catalogue's code, such as `TOK-001`. */
  readonly code: ErrorCode;
  /** The HTTP status that the gateway's own answer has. */
  readonly status: number;
  /** Name of the configured server, where the failure belongs to one. */
  readonly server: string | undefined;
  /** Seconds after which another try may work. */
  readonly retryAfterSeconds: number | undefined;
  /** Headers of the gateway's answer. */
  readonly headers: Readonly<Record<string, string>>;
  readonly #steps: readonly string[];

  /**
   * @param message Action, then state, without a full stop; never a secret, a token or patient data.
   */
  constructor(code: ErrorCode, message: string, options: GatewayErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.status = options.status ?? catalogue[code].status;
    this.server = options.server;
    this.retryAfterSeconds = options.retryAfterSeconds;
    this.headers = options.headers ?? {};
    this.#steps = options.troubleshooting ?? [];
  }

  /** The catalogue's entry of this code. */
  get entry(): (typeof catalogue)[ErrorCode] {
    return catalogue[this.code];
  }

  /** What to do about it, the most particular step first. */
  get troubleshooting(): readonly string[] {
    return [...this.#steps, ...this.entry.troubleshooting];
  }
}
