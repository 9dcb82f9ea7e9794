/**
 * OAuth2 client credentials of a client that its TLS certificate tells (RFC 8705, section 2).
 *
 * @module
 */
import { z } from "zod";
import { rawKeys } from "../read_context.ts";
import { type SigningWay, signingWay } from "./signing_way.ts";
import {
  buildClientCredentials,
  checkTokenRequest,
  clientCredentialsProviders,
  tokenRequestKeys,
} from "./token_request_keys.ts";

const methods = ["tls_client_auth", "self_signed_tls_client_auth"] as const;

/** Client credentials with the client certificate of the connection. */
export const mutualTls: SigningWay = signingWay({
  title: "OAuth2 with a client certificate",
  description: "OAuth2 client credentials grant with the TLS client certificate (RFC 8705).",
  chosenBy: { ProviderType: clientCredentialsProviders, ClientAuthentication: methods },
  keys: {
    ...tokenRequestKeys,
    ClientAuthentication: z.enum(methods).describe(
      "`ClientCertificate` tells who the client is: by the authority that issued it, or as the " +
        "certificate that the provider knows",
    ),
  },
  check(raw, context) {
    checkTokenRequest(raw, context);
    const { path, report } = context;
    if (raw["ClientCertificate"] === undefined) {
      const message = "OAuth2 with a client certificate needs ClientCertificate";
      report.add("CFG-001", [...path, "ClientCertificate"], message);
    } else if (rawKeys(raw["ClientCertificate"])["PresentTo"] === "Store") {
      const message = 'must be "TokenEndpoint" or "Both" with this ClientAuthentication';
      report.add("CFG-002", [...path, "ClientCertificate", "PresentTo"], message);
    }
  },
  build: (keys) => buildClientCredentials(keys, { method: keys.ClientAuthentication }),
});
