/**
 * Judges what a managed identity service of Azure answered: nearly an OAuth2 token response, but with
 * the end of the token as a date, which alone is right for a token that was given out before, and on
 * some platforms with error bodies of their own.
 *
 * @module
 */
import type { IdentityService } from "../../config/schemes/azure/azure_platform.ts";
import { cannotFetch, type ProviderAnswer } from "../provider_exchange.ts";
import type { Token } from "../token.ts";
import {
  MAX_EXPIRES_IN_SECONDS,
  parseTokenResponse,
  type TokenResponseContext,
} from "../oauth2/token_response.ts";

/** What judging needs to know besides the answer. */
export interface IdentityAnswerContext extends Omit<TokenResponseContext, "provider"> {
  readonly platform: IdentityService["platform"];
  /** What the service is called, for messages. */
  readonly service: string;
}

/** While it is being updated, the metadata service says 404, and 410 for up to 70 seconds. */
const UPDATING: Readonly<Record<IdentityService["platform"], readonly number[]>> = {
  vm: [404, 410],
  appservice: [],
  arc: [],
};

/**
 * Judges an answer.
 *
 * @throws {GatewayError} AUTH-003 for what may heal by itself (404 and 410 of the metadata service,
 * 408, 429, 5xx); otherwise as `parseTokenResponse`.
 */
export function explainIdentityAnswer(
  answer: ProviderAnswer,
  context: IdentityAnswerContext,
): Token {
  const { platform, server, service, issuedAtMs } = context;
  if (UPDATING[platform].includes(answer.status)) {
    const state = `${service} answered ${answer.status}: it is being updated`;
    throw cannotFetch("AUTH-003", server, state);
  }
  const body = jsonObject(answer.body);
  const token = parseTokenResponse({ ...answer, body: withOAuthError(answer.body, body) }, {
    ...context,
    provider: "azure",
  });
  const expiresOnMs = expiresOn(body);
  if (expiresOnMs === undefined) return token;
  if (expiresOnMs <= issuedAtMs) {
    const state = `${service} returned a token that has expired by the gateway's clock`;
    throw cannotFetch("TOK-005", server, state, {
      troubleshooting: ["Correct the clock of the gateway's machine"],
    });
  }
  const longestMs = issuedAtMs + MAX_EXPIRES_IN_SECONDS * 1000;
  return { ...token, expiresAtMs: Math.min(expiresOnMs, longestMs) };
}

function jsonObject(text: string): Readonly<Record<string, unknown>> {
  try {
    const json: unknown = JSON.parse(text);
    return typeof json === "object" && json !== null ? json as Record<string, unknown> : {};
  } catch {
    return {};
  }
}

/** App Service says `{"statusCode", "message", "correlationId"}` where OAuth2 says `error_description`. */
function withOAuthError(text: string, body: Readonly<Record<string, unknown>>): string {
  const { error, message } = body;
  return error === undefined && typeof message === "string"
    ? JSON.stringify({ error_description: message })
    : text;
}

/** Seconds since the epoch, as text or as a number. */
function expiresOn({ expires_on: given }: Readonly<Record<string, unknown>>): number | undefined {
  const seconds = typeof given === "string" && /^\d+$/.test(given) ? Number(given) : given;
  return typeof seconds === "number" && seconds > 0 ? seconds * 1000 : undefined;
}
