/**
 * ID tokens of Google, which Identity-Aware Proxy and Cloud Run require in place of access tokens. Google
 * returns them alone; their end is in them.
 */
import { decodeJwt } from "jose";
import type { ProviderAnswer } from "../provider_exchange.ts";

/**
 * Converts a response to the form of OAuth2. A failure stays; a success without a JWT becomes one without
 * a token.
 */
export function idTokenAnswer(answer: ProviderAnswer, idToken: unknown): ProviderAnswer {
  if (answer.status !== 200) return answer;
  return { ...answer, body: JSON.stringify(tokenIn(idToken)) };
}

function tokenIn(idToken: unknown): Readonly<Record<string, unknown>> {
  try {
    const { exp } = decodeJwt(String(idToken));
    return { access_token: idToken, expires_on: exp };
  } catch {
    return {};
  }
}
