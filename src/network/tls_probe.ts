/**
 * Looks at the certificates that a server shows, whether they are trusted or not. Nothing is sent over
 * the connection, so nothing can be lost to a server that is not who it says.
 *
 * @module
 */
import { isIP, type Socket } from "node:net";
import { connect, type DetailedPeerCertificate, type TLSSocket } from "node:tls";

/** A certificate as people tell it from others. */
export interface CertificateFacts {
  /** The common name, or the organization, of whom it is for. */
  readonly subject: string;
  /** The same of who signed it. */
  readonly issuer: string;
  /** The names and addresses it is good for. */
  readonly names: readonly string[];
  readonly validFromMs: number;
  readonly validToMs: number;
}

/** What a TLS handshake showed. */
export interface TlsFacts {
  readonly protocol: string;
  /** Whether the certificate is trusted for this host. */
  readonly trusted: boolean;
  /** Why not: a code of OpenSSL's, or the text of the runtime. */
  readonly fault: string | undefined;
  /** The server's own certificate, then its signers, as far as they were shown or are known. */
  readonly chain: readonly CertificateFacts[];
}

/** How to look. */
export interface TlsProbeOptions {
  /** The connection, open; it is ended. */
  readonly socket: Socket;
  /** Whom the certificate has to be for. */
  readonly host: string;
  /** PEM certificates trusted besides those of the system. */
  readonly caCertificatesPem: readonly string[];
  /** The certificate to show to a server that asks for one. */
  readonly clientCertificate?:
    | { readonly certificatePem: string; readonly keyPem: string }
    | undefined;
  readonly timeoutMs: number;
}

/**
 * Makes a TLS handshake over a connection and ends it.
 *
 * @throws {Error} When there was no handshake: the other side speaks no TLS, or ended it.
 */
export function probeTls(options: TlsProbeOptions): Promise<TlsFacts> {
  const { socket, host, caCertificatesPem: ca, clientCertificate, timeoutMs } = options;
  return new Promise((resolve, reject) => {
    const tls = connect({
      socket,
      host,
      ...(isIP(host) === 0 && { servername: host }),
      ...(ca.length > 0 && { ca: [...ca] }),
      ...(clientCertificate &&
        { cert: clientCertificate.certificatePem, key: clientCertificate.keyPem }),
      // To see the certificates also where they are not trusted; nothing is sent.
      rejectUnauthorized: false,
    });
    const timer = setTimeout(
      () => tls.destroy(new Error(`no TLS handshake within ${timeoutMs} ms`)),
      timeoutMs,
    );
    tls.once("secureConnect", () => {
      clearTimeout(timer);
      resolve(facts(tls));
      tls.destroy();
    });
    const fail = (error: Error) => {
      clearTimeout(timer);
      tls.destroy();
      reject(error);
    };
    tls.once("error", fail);
    tls.once("close", () => fail(new Error("the connection was closed during the TLS handshake")));
  });
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
  const error: unknown = tls.authorizationError ?? undefined;
  return {
    protocol: tls.getProtocol() ?? "TLS",
    trusted: tls.authorized,
    fault: error === undefined ? undefined : error instanceof Error ? error.message : String(error),
    chain,
  };
}

function nameOf(name: DetailedPeerCertificate["subject"] | undefined): string {
  return name?.CN ?? name?.O ?? name?.OU ?? "a certificate without a name";
}
