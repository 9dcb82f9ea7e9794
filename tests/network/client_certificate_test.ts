/**
 * The error for a server that requires a client certificate and gets none that it trusts.
 */
import assert from "node:assert/strict";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { GatewayError } from "../../src/errors/gateway_error.ts";
import { hostAndPort } from "../../src/config/values/host_names.ts";
import { HttpClient } from "../../src/network/http_client.ts";
import { CertificateAuthority, OPENSSL } from "../fixtures/certificate_authority.ts";
import { needing } from "../fixtures/installed_tool.ts";

Deno.test(needing(OPENSSL, {
  name: "HttpClient: a missing client certificate is NET-003, with the reason",
  async fn() {
    await using authority = await CertificateAuthority.create();
    const { certificatePem, keyPem } = await authority.issue({
      commonName: "server",
      purpose: "server",
    });
    const server = createServer({
      cert: certificatePem,
      key: keyPem,
      ca: authority.certificatePem,
      requestCert: true,
      rejectUnauthorized: true,
    }, (_request, response) => response.end("ok"));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    const options = {
      allowlist: new Set([hostAndPort(url)]),
      caCertificatesPem: [authority.certificatePem],
    };
    const none = new HttpClient(options);
    const good = new HttpClient({
      ...options,
      clientCertificate: await authority.issue({ commonName: "gateway" }),
    });
    try {
      assert.equal(await (await good.send(url)).text(), "ok");
      await assert.rejects(none.send(url), (error) => {
        assert(error instanceof GatewayError);
        assert.equal(error.code, "NET-003");
        assert.match(error.message, /it requires a client certificate that it trusts/);
        assert(error.troubleshooting.some((step) => step.includes("ClientCertificate")));
        return true;
      });
    } finally {
      none.close();
      good.close();
      server.close();
      server.closeAllConnections();
    }
  },
}));
