/**
 * Errors of Google's services that are not those of OAuth2.
 */
import { jsonObject } from "../json_object.ts";
import type { ProviderAnswer } from "../provider_exchange.ts";

/**
 * Converts a failure of a Google service to `error` and `error_description` of OAuth2: Google's APIs
 * answer `{"error": {"code", "message", "status"}}`, the metadata server plain text.
 */
export function withOAuthError(answer: ProviderAnswer): ProviderAnswer {
  if (answer.status < 400) return answer;
  const body = jsonObject(answer.body);
  if (body === undefined) return failure(answer, undefined, answer.body);
  const { error } = body;
  if (typeof error !== "object" || error === null) return answer;
  const { status, message } = error as Record<string, unknown>;
  return failure(answer, status, message);
}

function failure(answer: ProviderAnswer, error: unknown, description: unknown): ProviderAnswer {
  const body = JSON.stringify({
    ...(typeof error === "string" && { error }),
    ...(typeof description === "string" && { error_description: description }),
  });
  return { ...answer, body };
}
