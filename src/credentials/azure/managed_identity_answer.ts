/**
 * Interprets the response of a managed identity service of Azure: nearly an OAuth2 token response, but
 * with the end of the token as a date, which alone is right for a token that was issued before.
 */
import type { IdentityService } from "../../config/schemes/azure/azure_platform.ts";
import { jsonObject } from "../json_object.ts";
import { cannotFetch, type ProviderAnswer } from "../provider_exchange.ts";
import type { Token } from "../token.ts";
import {
  epochMs,
  parseTokenResponse,
  tokenEndingAt,
  type TokenResponseContext,
} from "../oauth2/token_response.ts";

/** The request that was answered. */
export interface IdentityAnswerContext extends Omit<TokenResponseContext, "provider"> {
  readonly platform: IdentityService["platform"];
  readonly service: string;
}

/**
 * Interprets a response.
 *
 * @throws {GatewayError} AUTH-003 for failures that may be temporary (404 and 410 of the metadata
 * service, 408, 429, 5xx); otherwise as `parseTokenResponse`.
 */
export function explainIdentityAnswer(
  answer: ProviderAnswer,
  context: IdentityAnswerContext,
): Token {
  const { platform, server, service } = context;
  const { status } = answer;
  // While it is being updated, the metadata service answers 404, and 410 for up to 70 seconds.
  if (platform === "vm" && (status === 404 || status === 410)) {
    throw cannotFetch("AUTH-003", server, `${service} answered ${status}: it is being updated`);
  }
  const token = parseTokenResponse(answer, { ...context, provider: "azure" });
  const { expires_on: expiresOn } = jsonObject(answer.body) ?? {};
  return tokenEndingAt(token, epochMs(expiresOn), context);
}
