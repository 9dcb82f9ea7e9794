/**
 * One HTTP exchange with an identity provider or metadata service, limited in time and response
 * size. Reports network failures, does not interpret the response, and follows no redirect, which
 * would send a secret to another host.
 */
import type { ErrorCode } from "../errors/catalogue.ts";
import { GatewayError, type GatewayErrorOptions } from "../errors/gateway_error.ts";
import { readText } from "../network/bounded_body.ts";
import type { HttpClient, HttpRequestInit } from "../network/http_client.ts";
import type { Clock } from "../network/clock.ts";

/** Token responses are a few KiB; only a wrong address sends more. */
export const MAX_ANSWER_BYTES: number = 64 * 1024;

/** Headers of requests to one origin, and no other. */
export interface OriginHeaders {
  readonly origin: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** Connects the token requests of one configured server. */
export interface ProviderConnection {
  /** Name of the configured server. */
  readonly server: string;
  readonly http: Pick<HttpClient, "send">;
  /** Limit for getting a token, all requests together. */
  readonly timeoutMs: number;
  readonly clock: Clock;
  /** Some providers and firewalls reject requests without one. Default: the runtime's. */
  readonly userAgent?: string | undefined;
  readonly originHeaders?: OriginHeaders | undefined;
}

/** What messages about the answers to a connection's requests must not repeat. */
export function secretsOf({ originHeaders }: ProviderConnection): string[] {
  return Object.values(originHeaders?.headers ?? {});
}

export interface ProviderAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: string;
}

/**
 * Limits the time of a token acquisition.
 *
 * @param service For messages, such as "token endpoint".
 * @param work Its signal also aborts at the time limit.
 * @throws {GatewayError} NET-001 after the time limit; whatever `work` throws.
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
 * Sends one request and reads the response.
 *
 * @throws {GatewayError} AUTH-003 without a complete response, TOK-005 if it is too long, NET-003 for
 * an untrusted certificate.
 * @throws The signal's reason when it aborts.
 */
export async function exchange(
  connection: ProviderConnection,
  service: string,
  { url, ...init }: HttpRequestInit & { readonly url: string; readonly signal: AbortSignal },
): Promise<ProviderAnswer> {
  const { http, server, userAgent, originHeaders } = connection;
  const isOwnOrigin = originHeaders !== undefined && new URL(url).origin === originHeaders.origin;
  const headers = new Headers({ ...(isOwnOrigin && originHeaders.headers) });
  for (const [name, value] of new Headers(init.headers)) headers.set(name, value);
  if (userAgent !== undefined) headers.set("user-agent", userAgent);
  try {
    const response = await http.send(url, { ...init, headers });
    const type = response.headers.get("content-type") ?? "";
    const body = await readText(response.body, MAX_ANSWER_BYTES, type);
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

/**
 * Adds advice to the failure of a service that does not answer, as a platform's own service on a
 * machine of another kind.
 */
export async function withSilenceAdvice<T>(
  steps: readonly string[],
  signal: AbortSignal,
  work: Promise<T>,
): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    const isSilence = error instanceof GatewayError && (error.code === "NET-001" ||
      (error.cause instanceof GatewayError && error.cause.code.startsWith("NET-")));
    if (!isSilence) throw error;
    throw new GatewayError(error.code, error.message, {
      ...(error.server !== undefined && { server: error.server }),
      troubleshooting: steps,
      cause: error,
    });
  }
}

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

/** AUTH-003 counts as temporary: a cut-off response or unreachable provider, not a bad certificate. */
function networkFailure(cause: unknown, service: string, server: string): GatewayError {
  if (!(cause instanceof GatewayError)) {
    return cannotFetch("AUTH-003", server, `the response of the ${service} was cut off`, { cause });
  }
  if (cause.server !== undefined) return cause;
  const code = cause.code === "NET-002" ? "AUTH-003" : cause.code;
  return cannotFetch(code, server, cause.message, { cause, troubleshooting: cause.ownSteps });
}

/** Whether a response means that the same request may succeed later. */
export function isTransient({ status }: { readonly status: number }): boolean {
  return status >= 500 || status === 429 || status === 408;
}
