/**
 * Tokens of a Google service account for another identity that may impersonate it: the IAM Service
 * Account Credentials API issues them in exchange for a token of that identity.
 */
import type { GoogleImpersonation } from "../../config/schemes/google/google_credentials.ts";
import { jsonObject } from "../json_object.ts";
import { fingerprint, type Token, type TokenSource } from "../token.ts";
import {
  exchange,
  type ProviderAnswer,
  type ProviderConnection,
  withinTimeLimit,
} from "../provider_exchange.ts";
import { idTokenAnswer } from "./id_token.ts";
import { parseTokenResponse, tokenEndingAt } from "../oauth2/token_response.ts";
import { scopesIn } from "./metadata_source.ts";

const SERVICE = "IAM Service Account Credentials API";

/** The scope that a token must have for this API. */
export const IMPERSONATION_SCOPE = "https://www.googleapis.com/auth/cloud-platform";

/**
 * Creates the source of an impersonated service account's tokens. Its `acquire` throws as that of
 * `own` and as `parseTokenResponse`; AUTH-002 if the identity may not impersonate the account.
 *
 * @param own Tokens of the identity that impersonates, with `IMPERSONATION_SCOPE`.
 * @param scope Scopes of the issued token, separated by blanks.
 * @param audience Of ID tokens in place of access tokens (`generateIdToken`).
 */
export function impersonationSource(
  own: TokenSource,
  { url: accessTokenUrl, delegates, lifetimeSeconds }: GoogleImpersonation,
  scope: string,
  connection: ProviderConnection,
  audience?: string,
): TokenSource {
  const url = audience === undefined
    ? accessTokenUrl
    : accessTokenUrl.replace(/:generateAccessToken$/, ":generateIdToken");
  const body = JSON.stringify({
    // Identity-Aware Proxy requires the email address.
    ...(audience === undefined
      ? { scope: scopesIn(scope), lifetime: `${lifetimeSeconds}s` }
      : { audience, includeEmail: true }),
    ...(delegates.length > 0 && {
      delegates: delegates.map((each) =>
        each.includes("/") ? each : `projects/-/serviceAccounts/${each}`
      ),
    }),
  });

  /** The API's names for `access_token` and `expires_in` are its own. */
  function parse(answer: ProviderAnswer, issuedAtMs: number, ownToken: string): Token {
    const { server } = connection;
    const { accessToken, expireTime, token: idToken } = jsonObject(answer.body) ?? {};
    const token = parseTokenResponse(
      audience !== undefined
        ? idTokenAnswer(answer, idToken)
        : answer.status === 200
        ? { ...answer, body: JSON.stringify({ access_token: accessToken }) }
        : answer,
      {
        server,
        issuedAtMs,
        secrets: [ownToken],
        service: SERVICE,
        endpoint: url,
        provider: "google",
      },
    );
    const endMs = typeof expireTime === "string" ? Date.parse(expireTime) : NaN;
    return tokenEndingAt(token, endMs, { server, service: SERVICE });
  }

  return {
    endpoint: url,
    fingerprint: fingerprint([
      own.fingerprint,
      url,
      delegates,
      String(lifetimeSeconds),
      scope,
      audience ?? "",
    ]),
    async acquire(signal) {
      const { type, value } = await own.acquire(signal);
      return await withinTimeLimit(connection, SERVICE, signal, async (signal) => {
        const issuedAtMs = connection.clock.now();
        const headers = {
          "accept": "application/json",
          "authorization": `${type} ${value}`,
          "content-type": "application/json",
        };
        const request = { url, method: "POST", headers, body, signal };
        return parse(await exchange(connection, SERVICE, request), issuedAtMs, value);
      });
    },
  };
}
