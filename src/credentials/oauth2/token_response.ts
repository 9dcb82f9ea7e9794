/**
 * Interprets the response of a token endpoint (RFC 6749, sections 5.1 and 5.2): a token, or a failure.
 * No message contains the client's secret or a token, even if the provider echoes it.
 */
import { TokenRequestResult } from "@oslojs/oauth2";
import type { ProviderName } from "../../config/schemes/oauth2/identity_provider.ts";
import type { ErrorCode } from "../../errors/catalogue.ts";
import type { GatewayError } from "../../errors/gateway_error.ts";
import { retryAfterMs } from "../../network/retry_after.ts";
import type { Advice } from "../advice.ts";
import { cannotFetch, isTransient, type ProviderAnswer } from "../provider_exchange.ts";
import { jsonObject } from "../json_object.ts";
import { findAdvice } from "../provider_advice.ts";
import { redirectError } from "../provider_redirect.ts";
import { quoteProvider, quoteRefusal } from "../provider_text.ts";
import { type ProviderWords, providerWords } from "../provider_words.ts";
import type { Token } from "../token.ts";

const SERVICE = "token endpoint";

const RATE_LIMITED = "The provider limits the rate of token requests: check what else asks with " +
  "this ClientId, and let gateways share a token cache";

const MAX_QUOTED_TYPE = 40;

/** Life of a token whose `expires_in` is missing or invalid. */
const DEFAULT_EXPIRES_IN_SECONDS = 300;

/** Longest accepted life: a token is renewed at least once a day. */
const MAX_EXPIRES_IN_SECONDS = 86_400;

/** Longest wait that a provider's `Retry-After` may impose. */
const MAX_RETRY_AFTER_SECONDS = 300;

const WRONG_ADDRESS = [
  "The URL is not that of the token endpoint: take token_endpoint from the provider's metadata, which " +
  "a browser shows at {issuer}/.well-known/openid-configuration, or set Issuer in its place",
];

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
  /** What to do if the provider rejects the client, besides the advice about its words. */
  readonly rejectedClientSteps?: readonly string[] | undefined;
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
  const { server, service = SERVICE, issuedAtMs, tokenType: type = "Bearer" } = context;
  const { endpoint = "", secrets } = context;
  if (status >= 300 && status < 400) {
    const state = `${service} answered ${status}`;
    throw redirectError(response, { server, state, url: endpoint, secrets });
  }
  const json = jsonObject(response.body);
  const result = new TokenRequestResult(json ?? {});
  if (status >= 400 || result.hasErrorCode() && result.errorCode() !== "") {
    throw refusalError(response, context);
  }
  const { access_token: value, token_type: receivedType, expires_in: expiresIn, scope } = json ??
    {};
  // RFC 6749, appendix A.12: visible characters, which a header can contain.
  if (typeof value !== "string" || !/^[\x21-\x7e]+$/.test(value)) {
    const { said, advice } = explain(response, context);
    const state = json === undefined
      ? `${service} did not return a JSON object${said || otherForm(response)}`
      : said === "" && Object.hasOwn(json, "access_token")
      ? `the access_token of the ${service} is not a text of visible ASCII`
      : `the answer of the ${service} contains no usable access_token${said || otherMembers(json)}`;
    const troubleshooting = advice?.steps ?? [];
    throw cannotFetch("TOK-005", server, state, { troubleshooting });
  }
  if (!isOfType(receivedType, type)) {
    const named = quoteProvider(JSON.stringify(receivedType ?? null), MAX_QUOTED_TYPE, [
      ...secrets,
      value,
    ]);
    const state = `${service} answered token_type ${named}, not ${type}`;
    const step = isOfType(receivedType, "DPoP")
      ? "Set DPoP to true: the provider binds its tokens to a key"
      : "Ask the operator of the provider for bearer tokens (RFC 6750) for this client";
    throw cannotFetch("TOK-005", server, state, { troubleshooting: [step] });
  }
  const seconds = secondsIn(expiresIn);
  const token = {
    value,
    type,
    issuedAtMs,
    expiresAtMs: issuedAtMs + (seconds ?? DEFAULT_EXPIRES_IN_SECONDS) * 1000,
    ...(typeof scope === "string" && scope !== "" && { scope }),
  };
  return seconds === undefined
    ? tokenEndingAt(token, epochMs(json?.["expires_on"]), { server, service })
    : token;
}

/** What came instead of a JSON object, as far as its headers say. */
function otherForm({ headers, body }: ProviderAnswer): string {
  if (body.trim() === "") return " but an empty body";
  // Only codings that were not requested remain undecoded.
  const coding = headers.get("content-encoding") ?? "";
  if (coding !== "") return ` but a body in the content coding ${quoteProvider(coding, 20, [])}`;
  const type = headers.get("content-type") ?? "";
  return type === "" || type === "application/json" ? "" : ` but ${quoteProvider(type, 60, [])}`;
}

/** The names in a JSON object, unless one could be a token. */
function otherMembers(json: Readonly<Record<string, unknown>>): string {
  const names = Object.keys(json).filter((name) => /^[A-Za-z_]{1,24}$/.test(name)).slice(0, 8);
  return names.length === 0 ? "" : `, only ${names.join(", ")}`;
}

/** What a provider says in a response, quoted, and the advice about it. */
function explain(
  response: ProviderAnswer,
  { endpoint = "", provider, secrets }: TokenResponseContext,
): { readonly words: ProviderWords; readonly said: string; readonly advice: Advice | undefined } {
  const words = providerWords(response);
  const advice = findAdvice({ endpoint, provider, status: response.status, ...words });
  return { words, said: quoteRefusal(words, secrets), advice };
}

function refusalError(response: ProviderAnswer, context: TokenResponseContext): GatewayError {
  const { status, headers } = response;
  const { server, service = SERVICE, endpoint = "", issuedAtMs } = context;
  const { words, said, advice } = explain(response, context);
  const code = advice?.code ?? errorCode(status, words.error);
  const wantedMs = code === "AUTH-003" ? retryAfterMs(headers, issuedAtMs) : undefined;
  const state = `${service}${whereabouts(status, endpoint)} answered ${status}${said}`;
  return cannotFetch(code, server, state, {
    troubleshooting: [
      ...advice?.steps ?? [],
      ...status === 429 && service === SERVICE ? [RATE_LIMITED] : [],
      ...code === "AUTH-001" ? context.rejectedClientSteps ?? [] : [],
      ...service === SERVICE && isWrongAddress(status) ? WRONG_ADDRESS : [],
    ],
    ...(wantedMs !== undefined && { retryAfterSeconds: retryAfterSeconds(wantedMs) }),
  });
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
  // A 401 means "client authentication failed" unless a code in the form of the RFC's says otherwise.
  return status === 401 && !/^[a-z][a-z_]*$/.test(error ?? "") ? "AUTH-001" : "TOK-001";
}

function isWrongAddress(status: number): boolean {
  return status === 404 || status === 405;
}

/** The cause of a 404 or 405 is most often a mistake in the URL. */
function whereabouts(status: number, endpoint: string): string {
  const url = isWrongAddress(status) ? URL.parse(endpoint) : null;
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

/**
 * Some providers send `expires_in` as a string, some send none, and 0 has been seen for "never".
 *
 * @returns Undefined if it is missing or invalid.
 */
function secondsIn(given: unknown): number | undefined {
  const seconds = typeof given === "number"
    ? given
    : typeof given === "string" && given.trim() !== ""
    ? Number(given)
    : NaN;
  return seconds >= 1 ? Math.min(Math.floor(seconds), MAX_EXPIRES_IN_SECONDS) : undefined;
}

/**
 * Milliseconds since the epoch of `expires_on`, which AD FS, Entra ID's first version and managed
 * identities send: seconds since the epoch, as text or as a number. `NaN` if it is anything else.
 */
export function epochMs(expiresOn: unknown): number {
  const seconds = typeof expiresOn === "string" && /^\d+$/.test(expiresOn)
    ? Number(expiresOn)
    : expiresOn;
  return typeof seconds === "number" && seconds > 0 ? seconds * 1000 : NaN;
}

function retryAfterSeconds(wantedMs: number): number {
  return Math.min(Math.max(Math.ceil(wantedMs / 1000), 1), MAX_RETRY_AFTER_SECONDS);
}
