/**
 * OAuth2 client credentials with a shared secret (RFC 6749, section 2.3.1), as in the plugin.
 */
import { z } from "zod";
import { ALWAYS_SECRET, secret, visibleAscii } from "../../values/value_schemas.ts";
import { SECRET_ENCODINGS } from "./client_authentication.ts";
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
    ClientSecretEncoding: z.enum(SECRET_ENCODINGS).optional().describe(
      "With `client_secret_basic`: `form` (the default) form-encodes identifier and secret before " +
        "base64 (RFC 6749, section 2.3.1); `none` does not, for providers that do not decode them",
    ),
  },
  rules: [
    ({ ClientSecretEncoding: encoding, ClientAuthentication: method, ClientId: id }, complain) => {
      if (encoding === undefined) return;
      if (method !== "client_secret_basic") {
        complain(
          "ClientSecretEncoding",
          'has no effect without "ClientAuthentication": "client_secret_basic"; remove it',
        );
      } else if (encoding === "none" && id.includes(":")) {
        complain("ClientSecretEncoding", "must be form: ClientId contains a colon (RFC 7617)");
      }
    },
  ],
  authentication: (keys) => ({
    method: keys.ClientAuthentication,
    clientSecret: keys.ClientSecret,
    encoding: keys.ClientSecretEncoding,
  }),
});
