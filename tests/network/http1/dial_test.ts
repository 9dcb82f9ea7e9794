/**
 * Servers and proxies that accept a connection and then do not answer, as a load balancer whose servers
 * are down.
 */
import assert from "node:assert/strict";
import { HttpClient, type HttpClientOptions } from "../../../src/network/http_client.ts";
import { CertificateAuthority, OPENSSL } from "../../fixtures/certificate_authority.ts";
import { within } from "../../fixtures/deadline.ts";
import { needing } from "../../fixtures/installed_tool.ts";

const LIMIT_MS = 10_000;

type Options = Pick<HttpClientOptions, "proxy" | "clientCertificate" | "http2">;

/** Where a connection hangs, the scheme of the proxy, and whether the gateway has a certificate. */
const HANGING: readonly (readonly [where: string, proxy: string | undefined, options: Options])[] =
  [
    ["in the handshake", undefined, {}],
    ["in the handshake before HTTP/2", undefined, { http2: true }],
    ["in the tunnel", "http:", {}],
    ["in the handshake of the proxy", "https:", {}],
  ];

for (const hasCertificate of [false, true]) {
  for (const [where, scheme, options] of HANGING) {
    const name =
      `Http1Client closes connections that hang ${where} when their requests are aborted, but the first` +
      (hasCertificate ? ", with a client certificate" : "");
    Deno.test(needing(OPENSSL, {
      name,
      async fn() {
        await using authority = await CertificateAuthority.create();
        using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
        const place = `127.0.0.1:${listener.addr.port}`;
        const host = scheme === undefined ? place : "store.example:443";
        const http = new HttpClient({
          ...options,
          allowlist: new Set([host]),
          ...(scheme && { proxy: { url: `${scheme}//${place}/` } }),
          ...(hasCertificate && {
            clientCertificate: await authority.issue({ commonName: "gateway" }),
          }),
        });
        const connections: Deno.Conn[] = [];
        const buffer = new Uint8Array(16 * 1024);
        try {
          for (let request = 0; request < 2; request++) {
            const stop = new AbortController();
            const sent = http.send(`https://${host}/`, { signal: stop.signal });
            const rejected = assert.rejects(sent, { message: "too late" });
            const conn = await within(LIMIT_MS, "a connection", listener.accept());
            connections.push(conn);
            assert.notEqual(await within(LIMIT_MS, "the first bytes", conn.read(buffer)), null);
            stop.abort(new Error("too late"));
            await rejected;
          }
          const ended = async () => {
            while (await connections[1]!.read(buffer) !== null);
          };
          await within(LIMIT_MS, "the end of the connection", ended().catch(() => {}));
        } finally {
          for (const conn of connections) conn.close();
          http.close();
        }
      },
    }));
  }
}
