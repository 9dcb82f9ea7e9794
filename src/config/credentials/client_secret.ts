/**
 * OAuth2 client credentials with a shared secret (RFC 6749, section 2.3.1): what the plugin knew.
 *
 * @module
 */
import { z } from "zod";
import { Secret } from "../secret.ts";
import { text } from "../value_schemas.ts";
import { type SigningWay, signingWay } from "./signing_way.ts";
import {
  buildClientCredentials,
  checkTokenRequest,
  clientCredentialsProviders,
  tokenRequestKeys,
} from "./token_request_keys.ts";

const methods = ["client_secret_post", "client_secret_basic"] as const;

/** Client credentials with a secret in the body or the `Authorization` header of the token request. */
export const clientSecret: SigningWay = signingWay({
  title: "OAuth2",
  description: "OAuth2 client credentials grant with a client secret.",
  chosenBy: { ProviderType: clientCredentialsProviders, ClientAuthentication: methods },
  keys: {
    ...tokenRequestKeys,
    ClientAuthentication: z.enum(methods).default("client_secret_post").describe(
      "Where the secret goes: the body of the token request, or its `Authorization` header",
    ),
    ClientSecret: text().describe(
      "The client's secret; better `${NAME}` or `${file:PATH}` than the secret itself",
    ),
  },
  check: checkTokenRequest,
  build: (keys) =>
    buildClientCredentials(keys, {
      method: keys.ClientAuthentication,
      clientSecret: new Secret(keys.ClientSecret),
    }),
});
