import assert from "node:assert/strict";
import { askHealth } from "../../src/network/ask_health.ts";
import { CertificateAuthority, OPENSSL } from "../fixtures/certificate_authority.ts";
import { needing } from "../fixtures/installed_tool.ts";

Deno.test("askHealth ends when nothing answers, whether the connection is refused, cut or left open", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  const address = { host: "127.0.0.1", port, tls: false };

  // The kernel accepts the connection, and nothing responds.
  await assert.rejects(askHealth(address, 50), /no answer within 50 ms/);

  const cutting = (async () => {
    for await (const connection of listener) connection.close();
  })();
  await assert.rejects(
    askHealth(address, 60_000),
    (error: Error) => !/no answer/.test(error.message),
  );

  listener.close();
  await cutting;
  await assert.rejects(askHealth(address, 60_000), /refused/i);
});

Deno.test(needing(OPENSSL, {
  name: "askHealth accepts a certificate for the name that clients use",
  async fn() {
    await using authority = await CertificateAuthority.create();
    const { certificatePem, keyPem } = await authority.issue({
      commonName: "gateway.hospital.example",
      purpose: "server",
    });
    await using server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, cert: certificatePem, key: keyPem, onListen() {} },
      ({ url }) => new Response(null, { status: new URL(url).pathname === "/healthz" ? 200 : 404 }),
    );
    const address = { host: "127.0.0.1", port: server.addr.port, tls: true };
    assert.equal(await askHealth(address, 5_000), 200);
  },
}));
