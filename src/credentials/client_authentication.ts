/**
 * How the client shows the token endpoint who it is: one function value per method. A method
 * writes into the parameters or the headers of a token request and knows nothing of the grant.
 *
 * @module
 */
import { encodeBase64 } from "@oslojs/encoding";
import type { ClientAuthentication } from "../config/gateway_config.ts";

/** Adds the client's identity and its proof to a token request. */
export type AuthenticateClient = (
  parameters: URLSearchParams,
  headers: Headers,
) => void | Promise<void>;

/**
 * The client's secret in the body (RFC 6749, section 2.3.1).
 *
 * @param clientId The client's identifier.
 * @param clientSecret The client's secret.
 * @returns The method.
 */
export function clientSecretPost(clientId: string, clientSecret: string): AuthenticateClient {
  return (parameters) => {
    parameters.set("client_id", clientId);
    parameters.set("client_secret", clientSecret);
  };
}

/**
 * The client's secret in the `Authorization` header; both halves are form-encoded first, so that a
 * colon or a percent sign in them cannot be misread (RFC 6749, section 2.3.1).
 *
 * @param clientId The client's identifier.
 * @param clientSecret The client's secret.
 * @returns The method.
 */
export function clientSecretBasic(clientId: string, clientSecret: string): AuthenticateClient {
  const pair = `${formEncode(clientId)}:${formEncode(clientSecret)}`;
  const header = `Basic ${encodeBase64(new TextEncoder().encode(pair))}`;
  return (_parameters, headers) => headers.set("authorization", header);
}

/**
 * The configured method.
 *
 * @param clientId The client's identifier.
 * @param configured What the configuration says.
 * @returns The method.
 */
export function createClientAuthentication(
  clientId: string,
  configured: ClientAuthentication,
): AuthenticateClient {
  switch (configured.method) {
    case "client_secret_post":
      return clientSecretPost(clientId, configured.clientSecret.reveal());
    case "client_secret_basic":
      return clientSecretBasic(clientId, configured.clientSecret.reveal());
    default:
      throw new TypeError(`Unknown client authentication: ${configured satisfies never}`);
  }
}

/** `~` stays: it needs no encoding, is common in Azure's secrets, and some servers do not decode. */
function formEncode(text: string): string {
  return new URLSearchParams([["", text]]).toString().slice(1).replaceAll("%7E", "~");
}
