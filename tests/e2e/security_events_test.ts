/** Security events in the log of a running gateway, with the names that the plugin gives them. */
import assert from "node:assert/strict";
import { CertificateAuthority, OPENSSL } from "../fixtures/certificate_authority.ts";
import { startGateway } from "../fixtures/gateway_process.ts";
import { needing } from "../fixtures/installed_tool.ts";
import { makeIssuerKey } from "../fixtures/jwt_issuer.ts";
import { serveLoopback } from "../fixtures/listening.ts";
import { startTokenEndpoint } from "../fixtures/token_endpoint.ts";

const KEY = "k".repeat(43);

Deno.test(needing(OPENSSL, {
  name: "Each kind of security event is logged with its event_type in the category security",
  async fn() {
    const provider = startTokenEndpoint();
    await using authority = await CertificateAuthority.create();
    const pair = await authority.issue({ commonName: "store", purpose: "server" });
    await using untrusted = Deno.serve({
      hostname: "127.0.0.1",
      port: 0,
      cert: pair.certificatePem,
      key: pair.keyPem,
      onListen: () => {},
    }, () => new Response());
    await using store = serveLoopback(() => new Response("[]"));
    const { publicJwk } = await makeIssuerKey("RS256");
    const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(KEY));
    const open = { ProviderType: "none" };
    await using gateway = await startGateway({
      LogFormat: "json",
      Authentication: {
        ApiKeys: { Keys: { orthanc: `sha256:${new Uint8Array(digest).toHex()}` } },
      },
      Permissions: [{
        Subjects: ["key:orthanc"],
        Servers: ["limited", "untrusted", "invalid", "denied"],
        Transactions: ["query"],
      }],
      Servers: {
        limited: { ...open, Url: store.url, RateLimitRequests: 1 },
        untrusted: { ...open, Url: `https://127.0.0.1:${untrusted.addr.port}` },
        invalid: {
          ...provider.serverKeys,
          Url: store.url,
          JWTPublicKey: JSON.stringify(publicJwk),
        },
        denied: { ...provider.serverKeys, Url: store.url, ClientSecret: "wrong" },
        foreign: { ...open, Url: store.url },
      },
    });
    const ask = async (server: string, key?: string) => {
      const headers = new Headers(key === undefined ? {} : { "x-api-key": key });
      const response = await fetch(`${gateway.url}/dicom-web/${server}/studies`, { headers });
      await response.body?.cancel();
      return response.status;
    };
    assert.equal(await ask("limited"), 401);
    assert.equal(await ask("limited", KEY), 200);
    assert.equal(await ask("limited", KEY), 429);
    for (const server of ["untrusted", "invalid", "denied"]) {
      assert.equal(await ask(server, KEY), 502, server);
    }
    assert.equal(await ask("foreign", KEY), 403);
    await gateway.until(/AUTH-007/);
    const events = gateway.output().split("\n").filter((line) => line.includes("event_type"))
      .map((line) => JSON.parse(line))
      .map(({ logger, event_type, error_code, server }) =>
        [logger, event_type, error_code, server].join(" ")
      );
    assert.deepEqual(events.toSorted(), [
      "gateway.security auth_failure AUTH-001 denied",
      "gateway.security auth_failure AUTH-005 ",
      "gateway.security rate_limit_exceeded NET-012 ",
      "gateway.security ssl_verification_failure NET-003 untrusted",
      "gateway.security token_validation_failure TOK-004 invalid",
      "gateway.security unauthorized_access AUTH-007 foreign",
    ]);
    assert(!gateway.output().includes(KEY));
    await gateway.stop();
    await provider.close();
  },
}));
