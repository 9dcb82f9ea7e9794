/**
 * Errors of Google's services that are not those of OAuth2.
 *
 * @module
 */
import type { ProviderAnswer } from "../provider_exchange.ts";

/**
 * Puts what a service of Google's says of its failure where OAuth2 would say it: Google's APIs answer
 * `{"error": {"code", "message", "status"}}`, the metadata server plain text.
 *
 * @returns The same answer, or one that says the same as `error` and `error_description`.
 */
export function withOAuthError(answer: ProviderAnswer): ProviderAnswer {
  if (answer.status < 400) return answer;
  const body = jsonObject(answer.body);
  if (body === undefined) return failure(answer, undefined, answer.body);
  const error = body["error"];
  if (typeof error !== "object" || error === null) return answer;
  const { status, message } = error as Record<string, unknown>;
  return failure(answer, status, message);
}

function jsonObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const json: unknown = JSON.parse(text);
    return typeof json === "object" && json !== null ? json as Record<string, unknown> : undefined;
  } catch {
    return undefined;
  }
}

function failure(answer: ProviderAnswer, error: unknown, description: unknown): ProviderAnswer {
  const body = JSON.stringify({
    ...(typeof error === "string" && { error }),
    ...(typeof description === "string" && { error_description: description }),
  });
  return { ...answer, body };
}
