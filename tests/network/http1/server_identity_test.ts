/**
 * Certificates on which Node's verifier, used inside a proxy's tunnel with a client certificate, and the
 * runtime's would disagree: each is trusted, and both verdicts are those of a real handshake.
 */
import assert from "node:assert/strict";
import { connectNodeSocket } from "../../../src/network/http1/node_transport.ts";
import { tlsFault, type TlsFaultKind } from "../../../src/network/tls_fault.ts";
import { verifyTls } from "../../../src/network/verify_tls.ts";
import { CertificateAuthority, OPENSSL } from "../../fixtures/certificate_authority.ts";
import { needing } from "../../fixtures/installed_tool.ts";
import { startOpensslServer } from "../../fixtures/openssl_server.ts";

const NAME = "subjectAltName=DNS:localhost";
const LEAF = "basicConstraints=critical,CA:FALSE";

interface Case {
  /** Extensions of a certificate that is its own authority; those of one that an authority signed. */
  readonly own?: readonly string[];
  readonly signed?: readonly string[];
  /** Undefined: accepted. */
  readonly fault: TlsFaultKind | undefined;
}

const CASES: Readonly<Record<string, Case>> = {
  "a fit certificate": { signed: [NAME, LEAF], fault: undefined },
  "a fit certificate without constraints": { signed: [NAME], fault: undefined },
  "its own authority, CA:FALSE": { own: [NAME, LEAF], fault: undefined },
  "its own authority, CA:TRUE": { own: [NAME], fault: "ca as server" },
  "its own authority without names": { own: [LEAF], fault: "no name" },
  "version 1": { signed: [], fault: "version 1" },
  "a common name only": { signed: [LEAF], fault: "no name" },
};

Deno.test(needing(OPENSSL, {
  name: "Node's sockets accept the certificates that the runtime's accept, and no other",
  async fn(t) {
    await using authority = await CertificateAuthority.create();
    for (const [name, { own, signed, fault }] of Object.entries(CASES)) {
      await t.step(name, async () => {
        const pair = own === undefined
          ? await authority.certify({ extensions: signed ?? [], commonName: "localhost" })
          : await authority.selfSigned("localhost", own.flatMap((each) => ["-addext", each]));
        const trusted = own === undefined ? authority.certificatePem : pair.certificatePem;
        await using server = await startOpensslServer(pair, { host: "localhost" });
        const address = `localhost:${server.address.split(":").at(-1)}`;
        const options = { alpnProtocols: ["http/1.1"], caCertificatesPem: [trusted] };
        const byNode = async () =>
          (await connectNodeSocket(new URL(`https://${address}/`), options)).close();
        const byRuntime = () => verifyTls(address, { caCertificatesPem: [trusted] }, 30_000);
        for (const verdict of [byNode, byRuntime]) {
          const text = await verdict().then(() => undefined, (error: Error) => error.message);
          assert.equal(text && tlsFault(address, text)?.kind, fault, text);
        }
      });
    }
  },
}));
