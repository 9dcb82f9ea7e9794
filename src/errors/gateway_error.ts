/**
 * The error of all expected failures, with a code of the catalogue.
 */
import { catalogue, type ErrorCode } from "./catalogue.ts";

export interface GatewayErrorOptions {
  /** Replaces the catalogue's HTTP status. */
  readonly status?: number;
  /** Name of the configured server. */
  readonly server?: string;
  /** Sent as `Retry-After`. */
  readonly retryAfterSeconds?: number;
  /** Response headers, such as `www-authenticate`. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Steps before those of the catalogue, such as a provider's own remedy. */
  readonly troubleshooting?: readonly string[];
  /** Facts for the log line only, not for the client. */
  readonly logFields?: Readonly<Record<string, string>>;
  readonly cause?: unknown;
}

export class GatewayError extends Error {
  override readonly name = "GatewayError";
  readonly code: ErrorCode;
  readonly status: number;
  readonly server: string | undefined;
  readonly retryAfterSeconds: number | undefined;
  readonly headers: Readonly<Record<string, string>>;
  readonly logFields: Readonly<Record<string, string>>;
  /** Steps that the catalogue does not have. */
  readonly ownSteps: readonly string[];

  /** @param message Action, then state, without a full stop; never a secret, a token or patient data. */
  constructor(code: ErrorCode, message: string, options: GatewayErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.status = options.status ?? catalogue[code].status;
    this.server = options.server;
    this.retryAfterSeconds = options.retryAfterSeconds;
    this.headers = options.headers ?? {};
    this.logFields = options.logFields ?? {};
    this.ownSteps = options.troubleshooting ?? [];
  }

  get entry(): (typeof catalogue)[ErrorCode] {
    return catalogue[this.code];
  }

  /** Most specific step first. */
  get troubleshooting(): readonly string[] {
    return [...this.ownSteps, ...this.entry.troubleshooting];
  }
}
