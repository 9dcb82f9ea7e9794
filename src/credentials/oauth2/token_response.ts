/**
 * Judges what a token endpoint answered (RFC 6749, sections 5.1 and 5.2): a token, or the failure
 * it stands for. Nothing of the client's secret or of a token gets into a message, even where the
 * provider echoes it.
 *
 * @module
 */
import { TokenRequestResult } from "@oslojs/oauth2";
import type { ProviderName } from "../../config/schemes/oauth2/identity_provider.ts";
import type { ErrorCode } from "../../errors/catalogue.ts";
import { GatewayError, type GatewayErrorOptions } from "../../errors/gateway_error.ts";
import { retryAfterMs } from "../../network/retry_after.ts";
import type { ProviderAnswer } from "../provider_exchange.ts";
import { findAdvice } from "../provider_advice.ts";
import { quoteProvider } from "../provider_text.ts";
import type { Token } from "../token.ts";

/** Life of a token whose `expires_in` is missing or makes no sense, in seconds. */
const DEFAULT_EXPIRES_IN_SECONDS = 300;

/** Longest life that is believed, in seconds: a token is renewed once a day at least. */
export const MAX_EXPIRES_IN_SECONDS = 86_400;

/** Longest wait that a provider's `Retry-After` may impose, in seconds. */
const MAX_RETRY_AFTER_SECONDS = 300;

/** What judging needs to know besides the answer. */
export interface TokenResponseContext {
  /** Name of the configured server. */
  readonly server: string;
  /** When the request was sent: the token's life is counted from here. */
  readonly issuedAtMs: number;
  /** What must not be repeated in a message. */
  readonly secrets: readonly string[];
  /** What was asked, for messages; "token endpoint" unless given. */
  readonly service?: string;
  /** The URL that was asked: it tells which provider's remedies fit. */
  readonly endpoint?: string;
  /** The provider, where the configuration says it. */
  readonly provider?: ProviderName | undefined;
  /** The type of token wanted: any other is refused. `Bearer` unless given. */
  readonly tokenType?: "Bearer" | "DPoP";
}

/**
 * Judges an answer of the token endpoint.
 *
 * @throws {GatewayError} AUTH-001, AUTH-002, AUTH-003, NET-004, TOK-001 or TOK-005.
 *
 * @example
 * ```ts
 * import { parseTokenResponse } from "./token_response.ts";
 * import assert from "node:assert/strict";
 *
 * const token = parseTokenResponse(
 *   { status: 200, headers: new Headers(), body: '{"access_token":"abc","expires_in":"60"}' },
 *   { server: "main", issuedAtMs: 1000, secrets: [] },
 * );
 * assert.deepEqual(token, { value: "abc", type: "Bearer", issuedAtMs: 1000, expiresAtMs: 61_000 });
 * ```
 */
export function parseTokenResponse(
  response: ProviderAnswer,
  context: TokenResponseContext,
): Token {
  const fail = (code: ErrorCode, state: string, more: GatewayErrorOptions = {}) =>
    new GatewayError(code, `Cannot fetch a token for server "${context.server}": ${state}`, {
      server: context.server,
      ...more,
    });

  const { status } = response;
  const { service = "token endpoint" } = context;
  if (status >= 300 && status < 400) {
    throw fail("NET-004", `${service} answered ${status}, a redirect`);
  }
  const result = readResult(response.body);
  const error = result?.hasErrorCode() ? result.errorCode() : undefined;
  if (status >= 400 || (error !== undefined && error !== "")) {
    const advice = findAdvice({
      endpoint: context.endpoint ?? "",
      provider: context.provider,
      status,
      error,
      description: result?.hasErrorDescription() ? result.errorDescription() : undefined,
    });
    const code = advice?.code ?? errorCode(status, error);
    const wantedMs = code === "AUTH-003"
      ? retryAfterMs(response.headers, context.issuedAtMs)
      : undefined;
    throw fail(
      code,
      `${service}${whereabouts(status, context)} answered ${status}${details(result, context)}`,
      {
        ...(advice && { troubleshooting: advice.steps }),
        ...(wantedMs !== undefined && { retryAfterSeconds: retryAfterSeconds(wantedMs) }),
      },
    );
  }
  if (result === undefined) throw fail("TOK-005", `${service} did not return a JSON object`);

  const value = accessToken(result);
  if (value === undefined) {
    throw fail("TOK-005", `the answer of the ${service} contains no usable access_token`);
  }
  const { issuedAtMs, tokenType: type = "Bearer" } = context;
  if (!isOfType(result, type)) {
    throw fail("TOK-005", `token endpoint answered a token_type other than ${type}`);
  }
  const lifeMs = expiresInSeconds(result.body) * 1000;
  return { value, type, issuedAtMs, expiresAtMs: issuedAtMs + lifeMs };
}

function readResult(body: string): TokenRequestResult | undefined {
  try {
    const json: unknown = JSON.parse(body);
    return typeof json === "object" && json !== null && !Array.isArray(json)
      ? new TokenRequestResult(json)
      : undefined;
  } catch {
    return undefined;
  }
}

/** RFC 6749, section 5.2; RFC 8707, section 2 (`invalid_target`). */
function errorCode(status: number, error: string | undefined): ErrorCode {
  switch (error) {
    case "invalid_client":
      return "AUTH-001";
    case "invalid_scope":
    case "unauthorized_client":
    case "invalid_target":
      return "AUTH-002";
    // Not in the RFC for this endpoint, but several providers send them, with a 400 too.
    case "temporarily_unavailable":
    case "server_error":
      return "AUTH-003";
  }
  if (status >= 500 || status === 429 || status === 408) return "AUTH-003";
  // A 401 says "client authentication failed" even where no error code comes with it.
  return status === 401 && error === undefined ? "AUTH-001" : "TOK-001";
}

/** A place that is not there is most often a slip in its URL. */
function whereabouts(status: number, { endpoint }: TokenResponseContext): string {
  const url = status === 404 || status === 405 ? URL.parse(endpoint ?? "") : null;
  return url === null ? "" : ` ${url.origin}${url.pathname}`;
}

function details(
  result: TokenRequestResult | undefined,
  { secrets }: TokenResponseContext,
): string {
  if (result === undefined) return "";
  const error = result.hasErrorCode() ? quoteProvider(result.errorCode(), 64, secrets) : "";
  const description = result.hasErrorDescription()
    ? quoteProvider(result.errorDescription(), 300, secrets)
    : "";
  return (error && ` ${error}`) + (description && ` (${description})`);
}

/** A value that cannot stand in a header (RFC 6749, appendix A.12: visible characters) is no token. */
function accessToken(result: TokenRequestResult): string | undefined {
  const { access_token: value } = result.body as { access_token?: unknown };
  return typeof value === "string" && /^[\x21-\x7e]+$/.test(value) ? value : undefined;
}

/**
 * RFC 6749 requires `token_type`; some providers leave it out, Apigee says `BearerToken`. Whoever wants
 * a bound token must not take one that is not (RFC 9449, section 5).
 */
function isOfType(result: TokenRequestResult, wanted: "Bearer" | "DPoP"): boolean {
  const { token_type: type } = result.body as { token_type?: unknown };
  if (wanted === "DPoP") return typeof type === "string" && /^dpop$/i.test(type);
  return type === undefined || type === null ||
    (typeof type === "string" && /^bearer(token)?$/i.test(type));
}

/** Some providers send `expires_in` as a string, some send none, and 0 has been seen for "never". */
function expiresInSeconds(body: object): number {
  const { expires_in: given } = body as { expires_in?: unknown };
  const seconds = typeof given === "number"
    ? given
    : typeof given === "string" && given.trim() !== ""
    ? Number(given)
    : NaN;
  if (!(seconds >= 1)) return DEFAULT_EXPIRES_IN_SECONDS;
  return Math.min(Math.floor(seconds), MAX_EXPIRES_IN_SECONDS);
}

function retryAfterSeconds(wantedMs: number): number {
  return Math.min(Math.max(Math.ceil(wantedMs / 1000), 1), MAX_RETRY_AFTER_SECONDS);
}
