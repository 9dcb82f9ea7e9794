/**
 * Tokens of the service account that Google has attached to the gateway's machine, pod or service, from
 * the metadata server. Rejects a response that is not marked as Google's: something else answers in its
 * place.
 */
import type { GoogleMetadata } from "../../config/schemes/google/google_credentials.ts";
import { fingerprint, type TokenSource } from "../token.ts";
import {
  cannotFetch,
  exchange,
  type ProviderConnection,
  withinTimeLimit,
  withSilenceAdvice,
} from "../provider_exchange.ts";
import { idTokenAnswer } from "./id_token.ts";
import { parseTokenResponse } from "../oauth2/token_response.ts";

const SERVICE = "Google metadata server";
const FLAVOR = "metadata-flavor";

const SILENCE = [
  "Google: if the gateway does not run on Google Cloud, use ServiceAccountKey or CredentialsFile in " +
  'place of "CredentialSource": "metadata"',
];

/** The scopes in a list that is separated by blanks. */
export function scopesIn(list: string): string[] {
  return list.split(/\s+/).filter((scope) => scope !== "");
}

/**
 * Creates the source of an attached service account's tokens. The server may return one that it issued
 * before. `acquire` throws as `parseTokenResponse` and `exchange`.
 *
 * @param scope Scopes separated by blanks; a machine may be limited to fewer.
 * @param audience Of ID tokens in place of access tokens (cloud.google.com, "Verify the identity of
 * instances"); with the account's email address, which Identity-Aware Proxy requires.
 */
export function metadataSource(
  { type, account, origin }: GoogleMetadata,
  scope: string,
  connection: ProviderConnection,
  audience?: string,
): TokenSource {
  const { server, clock } = connection;
  const name = encodeURIComponent(account);
  const kind = audience === undefined ? "token" : "identity";
  const url = new URL(`/computeMetadata/v1/instance/service-accounts/${name}/${kind}`, origin);
  const endpoint = url.href;
  if (audience === undefined) url.searchParams.set("scopes", scopesIn(scope).join(","));
  else url.search = new URLSearchParams({ audience, format: "full" }).toString();
  return {
    endpoint,
    fingerprint: fingerprint([type, url.href]),
    acquire: (signal) =>
      withSilenceAdvice(
        SILENCE,
        signal,
        withinTimeLimit(connection, SERVICE, signal, async (signal) => {
          const issuedAtMs = clock.now();
          const headers = { [FLAVOR]: "Google" };
          const answer = await exchange(connection, SERVICE, { url: url.href, headers, signal });
          const isRedirect = answer.status >= 300 && answer.status < 400;
          if (answer.headers.get(FLAVOR) !== "Google" && !isRedirect) {
            const state =
              `the server that answered ${answer.status} does not identify itself as the ` +
              `${SERVICE}`;
            throw cannotFetch("TOK-005", server, state, {
              troubleshooting: [
                'Google: use "CredentialSource": "metadata" on Google Cloud only, and no proxy on the way',
              ],
            });
          }
          if (answer.status === 404) {
            const state = `${SERVICE} answered 404: there is no service account ${account}`;
            throw cannotFetch("AUTH-001", server, state, {
              troubleshooting: [
                "Google: attach a service account to the machine or service, or correct ServiceAccount",
              ],
            });
          }
          const token = audience === undefined ? answer : idTokenAnswer(answer, answer.body.trim());
          return parseTokenResponse(token, {
            server,
            issuedAtMs,
            secrets: [],
            service: SERVICE,
            endpoint,
            provider: "google",
          });
        }),
      ),
  };
}
