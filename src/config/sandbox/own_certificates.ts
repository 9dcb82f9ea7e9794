/**
 * The gateway's own certificates and the public keys that it publishes. When a certificate expires,
 * connections fail.
 */
import { X509Certificate } from "node:crypto";
import type { GatewayConfig } from "../gateway_config.ts";
import type { ServerConfig } from "../keys/server.ts";
import { certificatesIn } from "../values/pem.ts";
import type { PublicJwk } from "../values/verification_key.ts";

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

/** The public halves of all keys that sign assertions, including those not yet or no longer in use. */
export function publishedKeys(servers: GatewayConfig["servers"]): PublicJwk[] {
  const keys = [...servers.values()].flatMap((server) => keyAssertion(server)?.keys ?? [])
    .map(({ publicJwk }) => publicJwk);
  return [...new Map(keys.map((key) => [JSON.stringify(key), key])).values()];
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

function keyAssertion({ credentials }: ServerConfig) {
  if (credentials.kind !== "client_credentials") return undefined;
  const { clientAuthentication } = credentials;
  return clientAuthentication.method === "private_key_jwt" ? clientAuthentication : undefined;
}
