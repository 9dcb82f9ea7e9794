/**
 * OAuth2 client credentials of a client that authenticates with its TLS certificate (RFC 8705, section 2).
 */
import { z } from "zod";
import { clientCredentialsScheme } from "./client_credentials_scheme.ts";

const methods = ["tls_client_auth", "self_signed_tls_client_auth"] as const;

export const mutualTls = clientCredentialsScheme({
  title: "OAuth2 with a client certificate",
  description: "OAuth2 client credentials grant with the TLS client certificate (RFC 8705).",
  keys: {
    ClientAuthentication: z.enum(methods).describe(
      "`ClientCertificate` authenticates the client: by the authority that issued it, or as a certificate registered at the provider",
    ),
  },
  rules: [
    ({ ClientCertificate: certificate }, complain) => {
      if (certificate === undefined) {
        complain("ClientCertificate", "OAuth2 with a client certificate needs ClientCertificate");
      } else if (!certificate.toTokenEndpoint) {
        complain(
          ["ClientCertificate", "PresentTo"],
          'must be "TokenEndpoint" or "Both" with this ClientAuthentication',
        );
      }
    },
  ],
  authentication: (keys) => ({ method: keys.ClientAuthentication }),
});
