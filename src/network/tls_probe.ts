/**
 * Reads the certificates that a server presents, whether they are trusted or not. Nothing is sent over
 * the connection, so an impostor learns nothing.
 */
import { isIP, type Socket } from "node:net";
import { connect, type DetailedPeerCertificate, type TLSSocket } from "node:tls";
import type { NodeTlsOptions } from "./http1/node_transport.ts";
import { settled } from "./wait.ts";

export interface CertificateFacts {
  /** Common name or organization. */
  readonly subject: string;
  /** Common name or organization of the signer. */
  readonly issuer: string;
  /** Subject alternative names: hosts and addresses. */
  readonly names: readonly string[];
  readonly validFromMs: number;
  readonly validToMs: number;
}

/** The result of a TLS handshake. */
export interface TlsFacts {
  readonly protocol: string;
  /** The server's certificate, then its signers, as far as they were sent or are known. */
  readonly chain: readonly CertificateFacts[];
}

export interface TlsProbeOptions extends Omit<NodeTlsOptions, "alpnProtocols"> {
  /** The open connection, which is closed afterwards. */
  readonly socket: Socket;
  readonly host: string;
  readonly timeoutMs: number;
}

/**
 * Makes a TLS handshake over a connection and closes it.
 *
 * @throws {Error} When the handshake failed: the other side supports no TLS, or ended it.
 */
export async function probeTls(options: TlsProbeOptions): Promise<TlsFacts> {
  const { socket, host, caCertificatesPem: ca, clientCertificate, timeoutMs } = options;
  const tls = connect({
    socket,
    host,
    ...(isIP(host) === 0 && { servername: host }),
    ...(ca.length > 0 && { ca: [...ca] }),
    ...(clientCertificate &&
      { cert: clientCertificate.certificatePem, key: clientCertificate.keyPem }),
    // To read certificates that are not trusted, too; nothing is sent.
    rejectUnauthorized: false,
  });
  const late = () => new Error(`no TLS handshake within ${timeoutMs} ms`);
  const closed = () => new Error("the connection was closed during the TLS handshake");
  try {
    return await settled<TlsFacts>(tls, timeoutMs, late, (resolve, reject) => {
      tls.once("secureConnect", () => resolve(facts(tls)));
      tls.once("close", () => reject(closed()));
    });
  } finally {
    tls.destroy();
  }
}

function facts(tls: TLSSocket): TlsFacts {
  const chain: CertificateFacts[] = [];
  const seen = new Set<string>();
  for (
    let each: DetailedPeerCertificate | undefined = tls.getPeerCertificate(true);
    each?.raw !== undefined && !seen.has(each.fingerprint256);
    each = each.issuerCertificate
  ) {
    seen.add(each.fingerprint256);
    chain.push({
      subject: nameOf(each.subject),
      issuer: nameOf(each.issuer),
      names: (each.subjectaltname ?? "").split(", ").filter((name) => name !== "")
        .map((name) => name.replace(/^(DNS|IP Address):/, "")),
      validFromMs: Date.parse(each.valid_from),
      validToMs: Date.parse(each.valid_to),
    });
  }
  return { protocol: tls.getProtocol() ?? "TLS", chain };
}

function nameOf(name: DetailedPeerCertificate["subject"] | undefined): string {
  return name?.CN ?? name?.O ?? name?.OU ?? "a certificate without a name";
}
