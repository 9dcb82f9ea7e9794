/**
 * One exchange with an identity provider or a metadata service: within a time limit, its answer read
 * up to a bound. What it means is for others to judge; that none came is told here. It follows no
 * redirect: that would send a secret to another place.
 *
 * @module
 */
import type { ErrorCode } from "../errors/catalogue.ts";
import { GatewayError, type GatewayErrorOptions } from "../errors/gateway_error.ts";
import { readText } from "../network/bounded_body.ts";
import type { HttpClient, HttpRequestInit } from "../network/http_client.ts";
import type { Clock } from "../network/clock.ts";

/** Most that is read of an answer. A token is a few KiB; only a wrong address answers more. */
export const MAX_ANSWER_BYTES: number = 64 * 1024;

/** How a provider is reached, for one server of the configuration. */
export interface ProviderConnection {
  /** Name of the configured server, for messages. */
  readonly server: string;
  readonly http: Pick<HttpClient, "send">;
  /** Limit of getting a token from start to end. */
  readonly timeoutMs: number;
  readonly clock: Clock;
}

/** An answer, its body read. */
export interface ProviderAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: string;
}

/**
 * Gives what is done to get a token its time limit.
 *
 * @param service What is asked, as in "token endpoint", for messages.
 * @param work What is done; its signal aborts when the time is over, too.
 * @throws {GatewayError} NET-001 after the time limit, and what the work throws.
 */
export async function withinTimeLimit<T>(
  connection: ProviderConnection,
  service: string,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const { clock, timeoutMs, server } = connection;
  const timeout = new AbortController();
  const cancelTimeout = clock.after(timeoutMs, () => {
    const state = `${service} did not answer within ${timeoutMs} ms`;
    timeout.abort(cannotFetch("NET-001", server, state));
  });
  try {
    return await work(AbortSignal.any([signal, timeout.signal]));
  } finally {
    cancelTimeout();
  }
}

/**
 * Sends one request and reads its answer.
 *
 * @param request What to send, `url` among it.
 * @throws {GatewayError} AUTH-003 where no answer came or it broke off, TOK-005 where it is too
 * long, NET-003 for an untrusted certificate.
 * @throws The signal's reason when it aborts.
 */
export async function exchange(
  connection: ProviderConnection,
  service: string,
  { url, ...init }: HttpRequestInit & { readonly url: string; readonly signal: AbortSignal },
): Promise<ProviderAnswer> {
  const { http, server } = connection;
  try {
    const response = await http.send(url, init);
    const body = await readText(response.body, MAX_ANSWER_BYTES);
    if (body === undefined) {
      const state = `${service} answered more than ${MAX_ANSWER_BYTES} bytes`;
      throw cannotFetch("TOK-005", server, state);
    }
    return { status: response.status, headers: response.headers, body };
  } catch (cause) {
    if (init.signal.aborted) throw init.signal.reason;
    throw networkFailure(cause, service, server);
  }
}

/** Says that no token can be had. */
export function cannotFetch(
  code: ErrorCode,
  server: string,
  state: string,
  options: Omit<GatewayErrorOptions, "server"> = {},
): GatewayError {
  return new GatewayError(code, `Cannot fetch a token for server "${server}": ${state}`, {
    ...options,
    server,
  });
}

/** An answer that breaks off, or a provider out of reach, heals; a certificate does not. */
function networkFailure(cause: unknown, service: string, server: string): GatewayError {
  if (!(cause instanceof GatewayError)) {
    return cannotFetch("AUTH-003", server, `the response of the ${service} was cut off`, { cause });
  }
  if (cause.server !== undefined) return cause;
  const code = cause.code === "NET-002" ? "AUTH-003" : cause.code;
  return cannotFetch(code, server, cause.message, { cause });
}

/** Whether a response means that the same request may succeed later. */
export function isTransient({ status }: { readonly status: number }): boolean {
  return status >= 500 || status === 429 || status === 408;
}
