/**
 * The gateway's own certificates: when one expires, connections fail.
 */
import { X509Certificate } from "node:crypto";
import type { GatewayConfig } from "../gateway_config.ts";
import type { ServerConfig } from "../keys/server.ts";
import { certificatesIn } from "../values/pem.ts";
import { keyAssertion } from "./published_keys.ts";

export interface OwnCertificate {
  /** TLS for clients, mutual TLS to a server, the header of assertions (Entra ID). */
  readonly use: "listener" | "client" | "assertion";
  /** Name of the configured server; empty for the listener. */
  readonly server: string;
  /** In milliseconds since the epoch. */
  readonly expiresAtMs: number;
}

export function ownCertificates({ listen, servers }: GatewayConfig): OwnCertificate[] {
  return [
    ...certificate("listener", "", listen.tls?.certificatePem),
    ...[...servers.values()].flatMap((server) => [
      ...certificate("client", server.name, server.tls.clientCertificate?.certificatePem),
      ...assertionCertificate(server),
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

function assertionCertificate(server: ServerConfig): OwnCertificate[] {
  const { certificate } = keyAssertion(server) ?? {};
  if (certificate === undefined) return [];
  return [{ use: "assertion", server: server.name, expiresAtMs: certificate.expiresAtMs }];
}
