/**
 * Interprets the response of a token endpoint (RFC 6749, sections 5.1 and 5.2): a token, or a failure.
 * No message contains the client's secret or a token, even if the provider echoes it.
 */
import { TokenRequestResult } from "@oslojs/oauth2";
import type { ProviderName } from "../../config/schemes/oauth2/identity_provider.ts";
import type { ErrorCode } from "../../errors/catalogue.ts";
import { retryAfterMs } from "../../network/retry_after.ts";
import { cannotFetch, isTransient, type ProviderAnswer } from "../provider_exchange.ts";
import { jsonObject } from "../json_object.ts";
import { findAdvice } from "../provider_advice.ts";
import { quoteRefusal } from "../provider_text.ts";
import type { Token } from "../token.ts";
import { describeRedirect } from "../../network/redirect_origin.ts";

/** Life of a token whose `expires_in` is missing or invalid. */
const DEFAULT_EXPIRES_IN_SECONDS = 300;

/** Longest accepted life: a token is renewed at least once a day. */
const MAX_EXPIRES_IN_SECONDS = 86_400;

/** Longest wait that a provider's `Retry-After` may impose. */
const MAX_RETRY_AFTER_SECONDS = 300;

/** The request that was answered. */
export interface TokenResponseContext {
  /** Name of the configured server. */
  readonly server: string;
  /** When the request was sent: the token's life is counted from here. */
  readonly issuedAtMs: number;
  /** What no message may repeat. */
  readonly secrets: readonly string[];
  /** The service that answered, for messages. Default: "token endpoint". */
  readonly service?: string;
  /** Its URL, which selects the advice of its provider. */
  readonly endpoint?: string;
  /** The provider, if the configuration names it. */
  readonly provider?: ProviderName | undefined;
  /** The only accepted type of token. Default: `Bearer`. */
  readonly tokenType?: "Bearer" | "DPoP";
}

/**
 * Interprets the response of a token endpoint.
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
  const { status } = response;
  const { server, service = "token endpoint", issuedAtMs, tokenType: type = "Bearer" } = context;
  if (status >= 300 && status < 400) {
    const redirect = describeRedirect(response, context.endpoint ?? "");
    throw cannotFetch("NET-004", server, `${service} answered ${status}, ${redirect}`);
  }
  const json = jsonObject(response.body);
  const result = new TokenRequestResult(json ?? {});
  const error = result.hasErrorCode() ? result.errorCode() : undefined;
  if (status >= 400 || (error !== undefined && error !== "")) {
    const description = result.hasErrorDescription() ? result.errorDescription() : undefined;
    const { endpoint = "", provider, secrets } = context;
    const advice = findAdvice({ endpoint, provider, status, error, description });
    const code = advice?.code ?? errorCode(status, error);
    const wantedMs = code === "AUTH-003" ? retryAfterMs(response.headers, issuedAtMs) : undefined;
    const said = quoteRefusal({ error, description }, secrets);
    throw cannotFetch(
      code,
      server,
      `${service}${whereabouts(status, endpoint)} answered ${status}${said}`,
      {
        ...(advice && { troubleshooting: advice.steps }),
        ...(wantedMs !== undefined && { retryAfterSeconds: retryAfterSeconds(wantedMs) }),
      },
    );
  }
  if (json === undefined) {
    throw cannotFetch("TOK-005", server, `${service} did not return a JSON object`);
  }
  const { access_token: value, token_type: receivedType, expires_in: expiresIn } = json;
  // RFC 6749, appendix A.12: visible characters, which a header can contain.
  if (typeof value !== "string" || !/^[\x21-\x7e]+$/.test(value)) {
    const state = `the answer of the ${service} contains no usable access_token`;
    throw cannotFetch("TOK-005", server, state);
  }
  if (!isOfType(receivedType, type)) {
    throw cannotFetch("TOK-005", server, `token endpoint answered a token_type other than ${type}`);
  }
  return { value, type, issuedAtMs, expiresAtMs: issuedAtMs + expiresInSeconds(expiresIn) * 1000 };
}

/**
 * Gives a token the end that its provider states as a date, which alone is right for a token that was
 * issued before.
 *
 * @param endMs Milliseconds since the epoch; `NaN` if the provider states none.
 * @throws {GatewayError} TOK-005 if the token has expired by the gateway's clock.
 */
export function tokenEndingAt(
  token: Token,
  endMs: number,
  { server, service }: { readonly server: string; readonly service: string },
): Token {
  const { issuedAtMs } = token;
  if (Number.isNaN(endMs)) return token;
  if (endMs <= issuedAtMs) {
    const state = `${service} returned a token that has expired by the gateway's clock`;
    throw cannotFetch("TOK-005", server, state, {
      troubleshooting: ["Correct the clock of the gateway's machine"],
    });
  }
  return { ...token, expiresAtMs: Math.min(endMs, issuedAtMs + MAX_EXPIRES_IN_SECONDS * 1000) };
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
  if (isTransient({ status })) return "AUTH-003";
  // A 401 means "client authentication failed" even without an error code.
  return status === 401 && error === undefined ? "AUTH-001" : "TOK-001";
}

/** The cause of a 404 or 405 is most often a mistake in the URL. */
function whereabouts(status: number, endpoint: string): string {
  const url = status === 404 || status === 405 ? URL.parse(endpoint) : null;
  return url === null ? "" : ` ${url.origin}${url.pathname}`;
}

/**
 * RFC 6749 requires `token_type`; some providers leave it out, Apigee says `BearerToken`. A bound token
 * must not be replaced by one that is not (RFC 9449, section 5).
 */
function isOfType(type: unknown, wanted: "Bearer" | "DPoP"): boolean {
  if (wanted === "DPoP") return typeof type === "string" && /^dpop$/i.test(type);
  return type === undefined || type === null ||
    (typeof type === "string" && /^bearer(token)?$/i.test(type));
}

/** Some providers send `expires_in` as a string, some send none, and 0 has been seen for "never". */
function expiresInSeconds(given: unknown): number {
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
