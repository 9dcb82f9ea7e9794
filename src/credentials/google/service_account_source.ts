/**
 * Tokens of a Google service account by its key: a short-lived assertion signed with it is exchanged
 * for a token (JWT bearer grant, RFC 7523, section 2.1). The key itself is never sent.
 */
import { type CryptoKey, importPKCS8, type JWTHeaderParameters, SignJWT } from "jose";
import type { GoogleServiceAccount } from "../../config/schemes/google/google_credentials.ts";
import { fingerprint, type TokenSource } from "../token.ts";
import { jsonObject } from "../json_object.ts";
import type { ProviderAnswer, ProviderConnection } from "../provider_exchange.ts";
import { idTokenAnswer } from "./id_token.ts";
import { TokenEndpoint } from "../oauth2/token_endpoint.ts";

const ALGORITHM = "RS256";

/** The longest life of an assertion that Google accepts. */
const ASSERTION_SECONDS = 3600;

/**
 * Creates the source of a service account's tokens.
 *
 * @param scope Scopes separated by blanks.
 * @param audience Of ID tokens in place of access tokens (cloud.google.com, "Programmatic
 * authentication" of Identity-Aware Proxy).
 */
export function serviceAccountSource(
  account: GoogleServiceAccount,
  scope: string,
  connection: ProviderConnection,
  audience?: string,
): TokenSource {
  const { type, tokenEndpoint, clientEmail, privateKey, privateKeyId } = account;
  let key: Promise<CryptoKey> | undefined;

  async function assertion(): Promise<string> {
    const header: JWTHeaderParameters = {
      alg: ALGORITHM,
      typ: "JWT",
      ...(privateKeyId !== undefined && { kid: privateKeyId }),
    };
    const now = Math.floor(connection.clock.now() / 1000);
    key ??= importPKCS8(privateKey.reveal(), ALGORITHM);
    return await new SignJWT(audience === undefined ? { scope } : { target_audience: audience })
      .setProtectedHeader(header)
      .setIssuer(clientEmail)
      .setAudience(tokenEndpoint)
      .setIssuedAt(now)
      .setExpirationTime(now + ASSERTION_SECONDS)
      .sign(await key);
  }

  return new TokenEndpoint({
    ...connection,
    url: tokenEndpoint,
    grant: new URLSearchParams({ grant_type: "urn:ietf:params:oauth:grant-type:jwt-bearer" }),
    authenticate: async (parameters) => parameters.set("assertion", await assertion()),
    provider: "google",
    ...(audience !== undefined && {
      translate: (answer: ProviderAnswer) =>
        idTokenAnswer(answer, jsonObject(answer.body)?.["id_token"]),
    }),
    fingerprint: fingerprint([
      type,
      tokenEndpoint,
      clientEmail,
      privateKey.reveal(),
      scope,
      audience ?? "",
    ]),
  });
}
