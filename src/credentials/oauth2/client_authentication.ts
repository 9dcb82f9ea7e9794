/**
 * Client authentication at the token endpoint: one function value per method. A method writes into the
 * parameters or headers of a token request and knows nothing of the grant.
 */
import { encodeBase64 } from "@oslojs/encoding";
import type { ClientAuthentication } from "../../config/schemes/oauth2/client_authentication.ts";
import {
  type AuthenticationTarget,
  privateKeyAssertion,
  secretAssertion,
  type SignAssertion,
} from "./client_assertion.ts";
import { readCredentialFile } from "../credential_file.ts";
import type { ProviderConnection } from "../provider_exchange.ts";

/** Adds the client's identity and its proof to a token request. */
export type AuthenticateClient = (
  parameters: URLSearchParams,
  headers: Headers,
  target: AuthenticationTarget,
) => void | Promise<void>;

/** The client secret in the body (RFC 6749, section 2.3.1). */
export function clientSecretPost(clientId: string, clientSecret: string): AuthenticateClient {
  return (parameters) => {
    parameters.set("client_id", clientId);
    parameters.set("client_secret", clientSecret);
  };
}

/**
 * The client secret in the `Authorization` header; both halves are form-encoded first, so that a
 * colon or a percent sign in them cannot be misread (RFC 6749, section 2.3.1).
 *
 * @param encoding `none` for providers that do not decode them.
 */
export function clientSecretBasic(
  clientId: string,
  clientSecret: string,
  encoding: "form" | "none" = "form",
): AuthenticateClient {
  const encode = encoding === "form" ? formEncode : (text: string) => text;
  const pair = `${encode(clientId)}:${encode(clientSecret)}`;
  const header = `Basic ${encodeBase64(new TextEncoder().encode(pair))}`;
  return (_parameters, headers) => headers.set("authorization", header);
}

/**
 * An assertion in place of a secret (RFC 7523, section 2.2), a new one for each request. RFC 7521,
 * section 4.2 makes `client_id` optional, Entra ID does not.
 */
export function clientAssertion(clientId: string, sign: SignAssertion): AuthenticateClient {
  return async (parameters, _headers, target) => {
    const assertion = await sign(target);
    parameters.set("client_id", clientId);
    parameters.set(
      "client_assertion_type",
      "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
    );
    parameters.set("client_assertion", assertion);
  };
}

/** The configured method. */
export function createClientAuthentication(
  clientId: string,
  configured: ClientAuthentication,
  { server, clock }: Pick<ProviderConnection, "server" | "clock">,
): AuthenticateClient {
  switch (configured.method) {
    case "client_secret_post":
      return clientSecretPost(clientId, configured.clientSecret.reveal());
    case "client_secret_basic":
      return clientSecretBasic(
        clientId,
        configured.clientSecret.reveal(),
        configured.encoding,
      );
    case "client_secret_jwt":
      return clientAssertion(clientId, secretAssertion(clientId, configured, clock));
    case "private_key_jwt":
      return clientAssertion(clientId, privateKeyAssertion(clientId, configured, clock));
    case "federated_token":
      return clientAssertion(clientId, () =>
        readCredentialFile(configured.file, {
          server,
          code: "TOK-001",
          step:
            "Check FederatedTokenFile, and that the platform writes the token there and lets the " +
            "gateway's user read it",
        }));
    case "tls_client_auth":
    case "self_signed_tls_client_auth":
      // The certificate of the connection is the proof (RFC 8705, section 2).
      return (parameters) => parameters.set("client_id", clientId);
    default:
      throw new TypeError(`Unknown client authentication: ${configured satisfies never}`);
  }
}

/** What to do if the provider rejects the client, besides the advice about its words. */
export function rejectedClientSteps(clientId: string, configured: ClientAuthentication): string[] {
  switch (configured.method) {
    case "client_secret_basic": {
      const sent = [clientId, configured.clientSecret.reveal()];
      if (configured.encoding === "none" || sent.every((text) => formEncode(text) === text)) {
        return [];
      }
      return [
        "ClientId or ClientSecret contains characters that are encoded in the header, which some " +
        'providers do not decode: try "ClientSecretEncoding": "none", or "ClientAuthentication": ' +
        '"client_secret_post"',
      ];
    }
    case "client_secret_jwt":
      return [
        "ClientSecret signs an assertion: compare it and AssertionAlgorithm with the client's " +
        "registration, AssertionAudience with what the provider documents, and the clocks",
      ];
    case "private_key_jwt":
      return [
        "Register the public key of PrivateKey for this client, as /.well-known/jwks.json of the " +
        "gateway shows it, and compare AssertionAlgorithm and KeyId with the registration",
        "Compare AssertionAudience with what the provider documents, and the clocks",
      ];
    case "tls_client_auth":
      return [
        "Compare the subject registered for this client with that of ClientCertificate (openssl " +
        "x509 -noout -subject -nameopt RFC2253 -in FILE); the provider must trust its authority",
      ];
    case "self_signed_tls_client_auth":
      return ["Register the certificate itself (ClientCertificate) for this client"];
    default:
      return [];
  }
}

/** `~` stays: it needs no encoding, is common in Azure's secrets, and some servers do not decode. */
function formEncode(text: string): string {
  return new URLSearchParams([["", text]]).toString().slice(1).replaceAll("%7E", "~");
}
