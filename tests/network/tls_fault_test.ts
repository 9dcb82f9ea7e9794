/**
 * What the gateway and `doctor` say about certificates that OpenSSL, browsers and older software make or
 * accept and TLS in the runtime does not. Each certificate is real; the verdict is the runtime's.
 */
import assert from "node:assert/strict";
import type { Contact } from "../../src/config/sandbox/contacts.ts";
import { GatewayError } from "../../src/errors/gateway_error.ts";
import { HttpClient } from "../../src/network/http_client.ts";
import { tlsFault } from "../../src/network/tls_fault.ts";
import { examineContact } from "../../src/tools/doctor/examine_contact.ts";
import { CertificateAuthority, type KeyPair, OPENSSL } from "../fixtures/certificate_authority.ts";
import { needing } from "../fixtures/installed_tool.ts";
import { startOpensslServer } from "../fixtures/openssl_server.ts";
import { runProgram } from "../fixtures/run_program.ts";

const NAME = "subjectAltName=DNS:localhost";
const LEAF = "basicConstraints=critical,CA:FALSE";
/** OpenSSL's server refuses short keys and SHA-1, too. */
const ANYTHING = ["-cipher", "ALL:@SECLEVEL=0"];

interface Case {
  readonly make: Parameters<CertificateAuthority["certify"]>[0];
  readonly host?: string;
  readonly state: string;
  /** Of `doctor`, which reads the dates of each certificate. */
  readonly finding?: string;
  readonly isMadeFit: boolean;
}

const CASES: Readonly<Record<string, Case>> = {
  "a certificate authority's certificate": {
    make: { extensions: [NAME, "basicConstraints=critical,CA:TRUE"] },
    state: "its certificate is marked as a certificate authority's (CA:TRUE), as " +
      "`openssl req -x509` makes it; TLS requires CA:FALSE of a server's",
    isMadeFit: true,
  },
  "X.509 version 1": {
    make: { extensions: [] },
    state:
      "its certificate, or one that signed it, is of X.509 version 1, as `openssl x509 -req` " +
      "makes it without extensions; TLS requires version 3",
    isMadeFit: true,
  },
  "a common name only": {
    make: { extensions: [LEAF] },
    state:
      "its certificate has no subject alternative name (SAN), and a common name (CN) does not count " +
      "(RFC 9525)",
    isMadeFit: true,
  },
  "a client's extended key usage": {
    make: { extensions: [NAME, "extendedKeyUsage=clientAuth"] },
    state:
      "the extended key usage of its certificate does not include server authentication (serverAuth)",
    isMadeFit: true,
  },
  "another extended key usage": {
    make: { extensions: [NAME, "extendedKeyUsage=codeSigning"] },
    state:
      "the extended key usage of its certificate does not include server authentication (serverAuth)",
    isMadeFit: true,
  },
  "a signature with SHA-1": {
    make: { extensions: [NAME, LEAF], digest: "sha1" },
    state: "its certificate, or one that signed it, is signed with SHA-1, which is not secure",
    isMadeFit: true,
  },
  "an RSA key of 1,024 bits": {
    make: { extensions: [NAME, LEAF], key: ["rsa:1024"] },
    state:
      "the signature of its certificate, or one that signed it, cannot be verified: usually an " +
      "RSA key of less than 2,048 bits, otherwise another authority of the same name in VerifySSL",
    isMadeFit: true,
  },
  "an address as a DNS name": {
    make: { extensions: ["subjectAltName=DNS:127.0.0.1", LEAF] },
    host: "127.0.0.1",
    state: "its certificate has 127.0.0.1 as a DNS name; an address must be an IP entry of the " +
      "subject alternative names",
    isMadeFit: true,
  },
  "other names and addresses": {
    make: { extensions: ["subjectAltName=DNS:pacs.example,DNS:*.b.example,IP:10.1.2.3", LEAF] },
    state: "its certificate is for pacs.example, *.b.example, 10.1.2.3, not for localhost",
    isMadeFit: false,
  },
  "an expired certificate": {
    make: { extensions: [NAME, LEAF], dates: ["20200101000000Z", "20250102000000Z"] },
    state: "its certificate, or one that signed it, expired on 2025-01-02",
    finding: "The store's certificate expired on 2025-01-02.",
    isMadeFit: false,
  },
  "a critical extension": {
    make: { extensions: [NAME, LEAF, "1.2.3.4=critical,ASN1:NULL"] },
    state:
      "its certificate, or one that signed it, has a critical extension that the gateway does " +
      "not support",
    isMadeFit: false,
  },
};

/** The error of a search. */
async function errorOf(address: string, trusted: string, method = "GET"): Promise<GatewayError> {
  const http = new HttpClient({ allowlist: new Set([address]), caCertificatesPem: [trusted] });
  try {
    const body = method === "POST" ? "an upload" : null;
    const signal = AbortSignal.timeout(30_000);
    const response = await http.send(`https://${address}/studies`, { method, body, signal });
    await response.body?.cancel();
    throw new Error(`answered with ${response.status}`);
  } catch (error) {
    assert(error instanceof GatewayError, String(error));
    return error;
  } finally {
    http.close();
  }
}

/** What `doctor` finds about the certificate of a store. */
async function findingOf(address: string, trusted: string) {
  const colon = address.lastIndexOf(":");
  const contact: Contact = {
    address,
    host: address.slice(0, colon),
    port: Number(address.slice(colon + 1)),
    tls: true,
    purpose: "store",
    neededBy: "main",
    proxied: false,
    possible: false,
  };
  const findings = await examineContact(contact, {
    proxy: undefined,
    tls: { caCertificatesPem: [trusted] },
    caKey: "VerifySSL",
    now: Date.now,
  });
  return findings.find(({ step }) => step === "certificate")!;
}

for (
  const [name, { make, host = "localhost", state, finding, isMadeFit }] of Object.entries(CASES)
) {
  Deno.test(needing(OPENSSL, {
    name: `TLS to stores: the gateway and doctor explain ${name} in the same words`,
    async fn() {
      await using authority = await CertificateAuthority.create();
      const pair = await authority.certify(make);
      await using server = await startOpensslServer(pair, { host, args: ANYTHING });
      const { address } = server;
      for (const method of ["GET", "POST"]) {
        const error = await errorOf(address, authority.certificatePem, method);
        assert.equal(error.code, "NET-003");
        assert.equal(error.message, `Cannot trust ${address}: ${state}`);
        assert.equal(error.troubleshooting[0]!.includes("`openssl req -x509"), isMadeFit);
      }
      const found = await findingOf(address, authority.certificatePem);
      assert.equal(found.outcome, "failed");
      assert.equal(
        found.message,
        finding ?? `The gateway cannot connect to the store: ${state}.`,
      );
      assert.equal(found.advice[0]!.includes("`openssl req -x509"), isMadeFit);
    },
  }));
}

for (const host of ["localhost", "127.0.0.1"]) {
  Deno.test(needing(OPENSSL, {
    name: `TLS to stores: the certificate of the advised OpenSSL command is accepted (${host})`,
    async fn() {
      const advice = tlsFault(`${host}:443`, "CaUsedAsEndEntity")!.advice[0]!;
      const command = /`(openssl [^`]+)`/.exec(advice)![1]!;
      const directory = await Deno.makeTempDir();
      try {
        const { success, stderr } = await runProgram("/bin/sh", [
          "-c",
          `cd ${directory} && ${command}`,
        ]);
        assert(success, stderr);
        const certificatePem = await Deno.readTextFile(`${directory}/server.pem`);
        const keyPem = await Deno.readTextFile(`${directory}/server.key`);
        const pair: KeyPair = { certificatePem, keyPem };
        await using server = await startOpensslServer(pair, { host });
        const found = await findingOf(server.address, certificatePem);
        assert.equal(found.outcome, "ok", found.message);
        const http = new HttpClient({
          allowlist: new Set([server.address]),
          caCertificatesPem: [certificatePem],
        });
        const response = await http.send(`https://${server.address}/`);
        await response.body?.cancel();
        http.close();
        assert.equal(response.status, 200);
      } finally {
        await Deno.remove(directory, { recursive: true });
      }
    },
  }));
}

/** Texts of verifiers that no certificate of these tests provokes. */
const TEXTS: readonly (readonly [text: string, state: string])[] = [
  [
    "invalid peer certificate: certificate not valid yet: verification time 1796079919 (UNIX), but " +
    "certificate is not valid before 1893456000 (97376081 seconds in future)",
    "its certificate, or one that signed it, is only valid from 2030-01-01, and this machine's clock " +
    "says 2026-11-30",
  ],
  // Node's sockets, inside a proxy's tunnel with a client certificate.
  ["CERT_HAS_EXPIRED", "its certificate, or one that signed it, has expired"],
  [
    "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
    "its certificate is signed by an authority that this machine does not trust",
  ],
  [
    "Hostname/IP does not match certificate's altnames: Host: localhost. is not in the cert's " +
    "altnames: IP Address:10.1.2.3, DNS:a.example",
    "its certificate is for 10.1.2.3, a.example, not for store.example",
  ],
  [
    "invalid peer certificate: Other(OtherError(EndEntityUsedAsCa))",
    "its certificate is signed by one that may not sign others (CA:FALSE, or its path length)",
  ],
  [
    "invalid peer certificate: Other(OtherError(NameConstraintViolation))",
    "its certificate is signed by an authority that may not sign for store.example (name constraints)",
  ],
  [
    "invalid peer certificate: Other(OtherError(UnsupportedSignatureAlgorithmContext(…{ " +
    "signature_algorithm_id: [6, 9, 42, 134, 72, 134, 247, 13, 1, 1, 4, 5, 0], …",
    "its certificate, or one that signed it, is signed with MD5, which is not secure",
  ],
];

for (const [text, state] of TEXTS) {
  Deno.test(`TLS to stores: "${text.slice(0, 60)}" is explained`, () => {
    assert.equal(tlsFault("store.example:443", text)?.state, state);
  });
}

Deno.test("TLS to stores: an unknown text is not explained", () => {
  assert.equal(tlsFault("store.example:443", "invalid peer certificate: BadEncoding"), undefined);
});

Deno.test(needing(OPENSSL, {
  name: "TLS to stores: TLS 1.2 with a P-256 key is not called a wrong certificate",
  async fn() {
    await using authority = await CertificateAuthority.create();
    const pair = await authority.issue({ commonName: "store", purpose: "server" });
    await using server = await startOpensslServer(pair, { args: ["-tls1_2"] });
    const { code, message, troubleshooting } = await errorOf(
      server.address,
      authority.certificatePem,
      "GET",
    );
    assert.equal(code, "NET-003");
    assert.match(message, /it uses TLS 1\.2, .* SHA-384 signature of a P-256 key/);
    assert.match(troubleshooting[0]!, /^Enable TLS 1\.3 at 127\.0\.0\.1/);
  },
}));

Deno.test(needing(OPENSSL, {
  name: "TLS to stores: a store that renegotiates after the request, as IIS, is named as such",
  async fn() {
    await using authority = await CertificateAuthority.create();
    const pair = await authority.issue({
      commonName: "store",
      purpose: "server",
      key: ["rsa:2048"],
    });
    await using server = await startOpensslServer(pair, { args: ["-tls1_2"], renegotiates: true });
    for (const method of ["GET", "POST"]) {
      const { code, message } = await errorOf(server.address, authority.certificatePem, method);
      assert.equal(code, "NET-003");
      assert.match(
        message,
        /^Cannot reach 127\.0\.0\.1:\d+: it ended the connection .* renegotiate/,
      );
    }
  },
}));
