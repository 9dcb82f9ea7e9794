/**
 * OAuth2 client credentials with a shared secret (RFC 6749, section 2.3.1), as in the plugin.
 */
import { z } from "zod";
import { ALWAYS_SECRET, secret, visibleAscii } from "../../values/value_schemas.ts";
import { clientCredentialsScheme } from "./client_credentials_scheme.ts";

const methods = ["client_secret_post", "client_secret_basic"] as const;

export const clientSecretKey = secret(visibleAscii(), { ...ALWAYS_SECRET, isAscii: true }).describe(
  "The client's secret; better `${NAME}` or `${file:PATH}` than the secret itself",
);

export const clientSecret = clientCredentialsScheme({
  title: "OAuth2",
  description: "OAuth2 client credentials grant with a client secret.",
  keys: {
    ClientAuthentication: z.enum(methods).default("client_secret_post").describe(
      "Where the secret goes: the body of the token request, or its `Authorization` header",
    ),
    ClientSecret: clientSecretKey,
  },
  authentication: (keys) => ({
    method: keys.ClientAuthentication,
    clientSecret: keys.ClientSecret,
  }),
});
