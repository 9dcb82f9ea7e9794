/**
 * Lists the gateway's own certificates with their expiry: when one expires, connections fail.
 *
 * @module
 */
import { X509Certificate } from "node:crypto";
import type { GatewayConfig } from "../gateway_config.ts";
import type { ServerConfig } from "../keys/server.ts";
import { certificatesIn } from "../values/pem.ts";

/** A certificate of the gateway, and its use. */
export interface OwnCertificate {
  /** TLS for clients, mutual TLS to a server, the header of assertions (Entra ID). */
  readonly use: "listener" | "client" | "assertion";
  /** Name of the configured server; empty for the listener. */
  readonly server: string;
  /** In milliseconds since the epoch. */
  readonly expiresAtMs: number;
}

/** The certificates of a configuration. */
export function ownCertificates({ listen, servers }: GatewayConfig): OwnCertificate[] {
  return [
    ...certificate("listener", "", listen.tls?.certificatePem),
    ...[...servers.values()].flatMap((server) => [
      ...certificate("client", server.name, server.tls.clientCertificate?.certificatePem),
      ...assertionCertificates(server),
    ]),
  ];
}

function certificate(
  use: OwnCertificate["use"],
  server: string,
  pem: string | undefined,
): OwnCertificate[] {
  const [leaf] = certificatesIn(pem ?? "");
  if (leaf === undefined) return [];
  return [{ use, server, expiresAtMs: Date.parse(new X509Certificate(leaf).validTo) }];
}

function assertionCertificates({ name, credentials }: ServerConfig): OwnCertificate[] {
  if (credentials.kind !== "client_credentials") return [];
  const { clientAuthentication } = credentials;
  if (clientAuthentication.method !== "private_key_jwt") return [];
  const { certificate } = clientAuthentication;
  return certificate === undefined
    ? []
    : [{ use: "assertion", server: name, expiresAtMs: certificate.expiresAtMs }];
}
