/**
 * Explains why a TLS connection failed, from the text of the runtime's verifier (rustls, webpki) or of
 * Node's sockets: one sentence and its remedies per cause, for the gateway's errors and for `doctor`.
 */
import { isIpAddress } from "../config/values/ip_networks.ts";

export interface TlsFault {
  readonly kind: TlsFaultKind;
  /** About the host, without a full stop. */
  readonly state: string;
  /** The likeliest remedy first. */
  readonly advice: readonly string[];
}

export type TlsFaultKind = keyof typeof FAULTS;

interface Explainer {
  /** One of these is in the text. */
  readonly signs: readonly string[];
  /** @param host A name or an address, without port and brackets. */
  readonly explain: (
    host: string,
    text: string,
  ) => readonly [state: string, ...advice: string[]];
}

const CHAIN = "its certificate, or one that signed it,";

/** In the order in which they are tried. */
const FAULTS = {
  "ca as server": {
    signs: ["CaUsedAsEndEntity"],
    explain: (host) => [
      "its certificate is marked as a certificate authority's (CA:TRUE), as `openssl req -x509` makes " +
      "it; TLS requires CA:FALSE of a server's",
      fitCertificate(host),
    ],
  },
  "version 1": {
    signs: ["UnsupportedCertVersion"],
    explain: (host) => [
      `${CHAIN} is of X.509 version 1, as \`openssl x509 -req\` makes it without extensions; TLS ` +
      "requires version 3",
      fitCertificate(host),
    ],
  },
  "no name": {
    signs: ["not valid for any names"],
    explain: (host) => [
      "its certificate has no subject alternative name (SAN), and a common name (CN) does not count " +
      "(RFC 9525)",
      fitCertificate(host),
    ],
  },
  "other name": {
    signs: ["not valid for name", "NotValidForName", "ERR_TLS_CERT_ALTNAME_INVALID", "altnames"],
    explain: (host, text) => {
      const names = namesIn(text);
      if (isIpAddress(host) && names.includes(host)) {
        return [
          `its certificate has ${host} as a DNS name; an address must be an IP entry of the subject ` +
          "alternative names",
          fitCertificate(host),
        ];
      }
      return [
        `its certificate is for ${names.join(", ") || "another host"}, not for ${host}`,
        `If one of these is the correct name, use it in the URL instead of ${host}`,
        `Otherwise ask the operator of ${host} for a certificate with this name`,
      ];
    },
  },
  "wrong purpose": {
    signs: ["InvalidPurpose", "extended key usage", "EmptyEkuExtension"],
    explain: (host) => [
      "the extended key usage of its certificate does not include server authentication (serverAuth)",
      fitCertificate(host),
    ],
  },
  "P-256 with SHA-384": {
    // The identifiers of ecdsa-with-SHA384 and of P-256 (RFC 5758, RFC 5480), as webpki prints them.
    signs: [
      "signature_algorithm_id: [6, 8, 42, 134, 72, 206, 61, 4, 3, 3], public_key_algorithm_id: " +
      "[6, 7, 42, 134, 72, 206, 61, 2, 1, 6, 8, 42, 134, 72, 206, 61, 3, 1, 7]",
    ],
    explain: (host) => [
      "it uses TLS 1.2, or has a certificate, with a SHA-384 signature of a P-256 key, which the " +
      "gateway does not accept",
      `Enable TLS 1.3 at ${host}, or use a certificate with an RSA key`,
    ],
  },
  "weak algorithm": {
    signs: ["UnsupportedSignatureAlgorithm"],
    explain: (host, text) => [
      `${CHAIN} is signed with ${algorithmIn(text)}`,
      fitCertificate(host),
    ],
  },
  "bad signature": {
    signs: ["BadSignature"],
    explain: (host) => [
      `the signature of ${CHAIN} cannot be verified: usually an RSA key of less than 2,048 bits, ` +
      "otherwise another authority of the same name in VerifySSL",
      fitCertificate(host),
    ],
  },
  // "not yet valid" has "certificate is not valid before".
  "not yet valid": {
    signs: ["not valid yet", "NotValidYet", "CERT_NOT_YET_VALID"],
    explain: (host, text) => {
      const from = dayIn(text, /not valid before (\d+)/);
      const now = dayIn(text, /verification time (\d+)/);
      return [
        from === undefined
          ? `${CHAIN} is not valid yet`
          : `${CHAIN} is only valid from ${from}, and this machine's clock says ${now}`,
        "Check the date of this machine",
        `If it is correct, contact the operator of ${host}`,
      ];
    },
  },
  "expired": {
    signs: ["certificate expired", "Expired", "CERT_HAS_EXPIRED"],
    explain: (host, text) => {
      const day = dayIn(text, /not valid after (\d+)/);
      return [
        `${CHAIN} ${day === undefined ? "has expired" : `expired on ${day}`}`,
        `Ask the operator of ${host} to renew it`,
      ];
    },
  },
  "unknown authority": {
    signs: [
      "UnknownIssuer",
      "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
      "UNABLE_TO_GET_ISSUER_CERT",
      "SELF_SIGNED_CERT",
    ],
    explain: (host) => [
      "its certificate is signed by an authority that this machine does not trust",
      "Set VerifySSL to the path of the PEM file of this authority, or of a self-signed certificate",
      `If it names the root already, ${host} does not send its intermediate certificates: ask its ` +
      "operator to send them, or add them to the file",
    ],
  },
  "signed by a server": {
    signs: ["EndEntityUsedAsCa", "PathLenConstraintViolated"],
    explain: (host) => [
      "its certificate is signed by one that may not sign others (CA:FALSE, or its path length)",
      `Ask the operator of ${host} for a certificate of a certificate authority`,
    ],
  },
  "name constraints": {
    signs: ["NameConstraintViolation"],
    explain: (host) => [
      `its certificate is signed by an authority that may not sign for ${host} (name constraints)`,
      `Ask the operator of ${host} for a certificate of another authority`,
    ],
  },
  "critical extension": {
    signs: ["CriticalExtension"],
    explain: (host) => [
      `${CHAIN} has a critical extension that the gateway does not support`,
      `Ask the operator of ${host} for a certificate without it`,
    ],
  },
  // RFC 8446, section 6.2.
  "client certificate": {
    signs: [
      "alert: CertificateRequired",
      "alert: BadCertificate",
      "alert: UnsupportedCertificate",
      "alert: CertificateRevoked",
      "alert: CertificateExpired",
      "alert: CertificateUnknown",
      "alert: UnknownCA",
      "alert: AccessDenied",
    ],
    explain: (_host, text) => [
      `it requires a client certificate that it trusts (TLS alert ${
        /alert: (\w+)/.exec(text)![1]
      })`,
      "Set ClientCertificate to a certificate that the host trusts",
    ],
  },
  "renegotiation": {
    // The first of the gateway's client, the second of the runtime's.
    signs: [
      "after the handshake: received fatal alert: HandshakeFailure",
      "(SendRequest): connection error: received fatal alert: HandshakeFailure",
    ],
    explain: () => [
      "it ended the connection with the TLS alert HandshakeFailure after the request, as a server does " +
      "that renegotiates to request a client certificate; the gateway does not renegotiate",
      "In IIS, set Client certificates to Ignore under SSL Settings; or request them in the handshake " +
      "(`netsh http add sslcert` with clientcertnegotiation=enable) and set ClientCertificate",
      "Enable TLS 1.3 at the host: it has no renegotiation",
    ],
  },
  "no common suite": {
    signs: ["alert: HandshakeFailure", "alert: ProtocolVersion", "peer is incompatible"],
    explain: () => [
      "it accepts none of the gateway's TLS versions (1.2, 1.3), suites and signature algorithms, or " +
      "requires a client certificate",
      "Enable TLS 1.2 or 1.3 at the host, with a suite of ECDHE and AES-GCM",
      "If it requires a client certificate, set ClientCertificate",
    ],
  },
  "no TLS": {
    signs: ["corrupt message", "wrong version"],
    explain: () => [
      "the service on this port does not speak TLS",
      "Check the port, and whether the URL should start with http:// instead of https://",
    ],
  },
} satisfies Record<string, Explainer>;

/**
 * @param address `host:port`.
 * @returns Undefined for a text that names no known cause.
 */
export function tlsFault(address: string, text: string): TlsFault | undefined {
  const host = address.replace(/:\d+$/, "").replace(/^\[|\]$/g, "");
  for (const [kind, { signs, explain }] of Object.entries<Explainer>(FAULTS)) {
    if (!signs.some((sign) => text.includes(sign))) continue;
    const [state, ...advice] = explain(host, text);
    return { kind: kind as TlsFaultKind, state, advice };
  }
  return undefined;
}

/** Names as rustls and Node print them: `DnsName("pacs.example")`, `DNS:pacs.example`. */
function namesIn(text: string): string[] {
  return [...text.matchAll(/(?:DnsName\("|IpAddress\(|DNS:|IP Address:)([^",) ]+)/g)]
    .map(([, name]) => name!);
}

/** The bytes of an object identifier, as webpki prints them. */
function algorithmIn(text: string): string {
  const id = /signature_algorithm_id: \[([\d, ]+)\]/.exec(text)?.[1] ?? "";
  // RFC 8017, appendix C: md5WithRSAEncryption, sha1WithRSAEncryption; RFC 5758: ecdsa-with-SHA1.
  if (id.includes("247, 13, 1, 1, 4")) return "MD5, which is not secure";
  if (/247, 13, 1, 1, 5|206, 61, 4, 1/.test(id)) return "SHA-1, which is not secure";
  return "an algorithm that the gateway does not accept; it accepts SHA-256, SHA-384 and SHA-512 with " +
    "RSA or ECDSA";
}

function dayIn(text: string, pattern: RegExp): string | undefined {
  const seconds = pattern.exec(text)?.[1];
  return seconds === undefined
    ? undefined
    : new Date(Number(seconds) * 1000).toISOString().slice(0, 10);
}

function fitCertificate(host: string): string {
  const name = `${isIpAddress(host) ? "IP" : "DNS"}:${host}`;
  return `Give ${host} another certificate, and set VerifySSL to it or to the authority that signs it: ` +
    "`openssl req -x509 -newkey rsa:2048 -sha256 -days 365 -nodes " +
    `-keyout server.key -out server.pem -subj /CN=${host} ` +
    "-addext basicConstraints=critical,CA:FALSE -addext extendedKeyUsage=serverAuth " +
    `-addext subjectAltName=${name}\``;
}
