/**
 * Stores and identity providers that lead the gateway to another host: no credential is sent there, and
 * endless responses are read up to a limit.
 */
import assert from "node:assert/strict";
import { memoryRise } from "../fixtures/memory_watch.ts";
import type { RawExchange } from "../fixtures/raw_origin.ts";
import { BASE, startHostileBench } from "./hostile_bench.ts";

const MIB = 1024 * 1024;
/** Number of attacks by providers. */
const CASES = 9;
const END = "connection: close\r\n\r\n";
const search = (server: string) =>
  `GET /dicom-web/${server}/studies HTTP/1.1\r\nhost: HOST\r\n${END}`;

Deno.test("hostile stores: redirects take the credential neither to another host nor out of the base URL", async (t) => {
  await using bench = await startHostileBench();
  const elsewhere = new URL(bench.elsewhere.url).host;
  const store = new URL(bench.store.url).host;
  for (
    const location of [
      `http://${elsewhere}${BASE}/studies`,
      `//${elsewhere}${BASE}/studies`,
      `http://${store}@${elsewhere}${BASE}/studies`,
      `\\\\${elsewhere}${BASE}/studies`,
      `http://${store}/admin`,
      `http://${store}${BASE}/../../admin`,
      `http://${store}${BASE}/%2e%2e/admin`,
      `http://${store}${BASE}/..%2fadmin`,
      `http://${store}${BASE}/a%5c..%5cadmin`,
      `http://${store}${BASE}x/studies`,
      "/admin",
      "../../admin",
      "http://169.254.169.254/latest/meta-data/",
      "file:///etc/passwd",
      "javascript:alert(1)",
    ]
  ) {
    for (const status of [301, 302, 303, 307, 308]) {
      await t.step(`${status} to ${location}: 502`, async () => {
        const targets: string[] = [];
        bench.store.play(async (exchange: RawExchange) => {
          targets.push(exchange.target);
          await exchange.answer(status, "", { location });
        });
        const answer = await bench.send(search("main"));
        assert.deepEqual([answer.status, answer.code], [502, "NET-004"]);
        assert.deepEqual(targets, [`${BASE}/studies`]);
        await bench.assertUnharmed();
      });
    }
  }
});

Deno.test("hostile providers: none leads the gateway to another host, and none exhausts it", async (t) => {
  await using bench = await startHostileBench(({ store, provider }) => {
    const client = {
      Url: store + BASE,
      ClientId: "gateway",
      ClientSecret: "secret-of-the-client",
      ResilienceConfig: { RetryMaxAttempts: 1 },
    };
    const kinds = {
      token: { ...client, TokenEndpoint: `${provider}/token` },
      discovered: { ...client, Issuer: provider },
      validated: {
        ...client,
        TokenEndpoint: `${provider}/token`,
        JWTIssuer: provider,
        JWTAudience: "store",
        EnableJWTValidation: true,
      },
    };
    // One for each case: after a failure, the circuit breaker of a provider opens.
    return Object.fromEntries(
      Object.entries(kinds).flatMap(([kind, server]) =>
        Array.from({ length: CASES }, (_, n) => [`${kind}-${n}`, server])
      ),
    );
  });
  const { provider, elsewhere } = bench;
  const metadata = (more: Record<string, string>) =>
    JSON.stringify({
      issuer: provider.url,
      token_endpoint: `${provider.url}/token`,
      jwks_uri: `${provider.url}/keys`,
      ...more,
    });
  const json = { "content-type": "application/json" };
  /** Answers discovery with changed metadata. */
  const behind = (more: Record<string, string>) => async (exchange: RawExchange) => {
    for await (const _ of exchange.body());
    await exchange.answer(200, metadata(more), json);
  };
  const redirect = async (exchange: RawExchange) => {
    for await (const _ of exchange.body());
    await exchange.answer(307, "", { location: `${elsewhere.url}/token` });
  };
  const blank = new TextEncoder().encode(" ".repeat(MIB));
  const endless = async (exchange: RawExchange) => {
    for await (const _ of exchange.body());
    await exchange.writeHead(200, { ...json, connection: "close" });
    for (let count = 0; count < 512; count++) await exchange.write(blank);
    exchange.close();
  };
  const inwards = "http://169.254.169.254/latest/meta-data/";
  const cases: [what: string, kind: string, play: typeof redirect, code: string][] = [
    ["a redirect of the token endpoint", "token", redirect, "NET-004"],
    ["a redirect of discovery", "discovered", redirect, "NET-004"],
    [
      "a token endpoint elsewhere",
      "discovered",
      behind({ token_endpoint: `${elsewhere.url}/token` }),
      "NET-008",
    ],
    ["a token endpoint inwards", "discovered", behind({ token_endpoint: inwards }), "NET-008"],
    ["a key set elsewhere", "validated", behind({ jwks_uri: `${elsewhere.url}/keys` }), "NET-008"],
    ["a key set inwards", "validated", behind({ jwks_uri: inwards }), "NET-008"],
    ["a token without end", "token", endless, "TOK-005"],
    ["a discovery document without end", "discovered", endless, "TOK-005"],
    ["keys without end", "validated", endless, "TOK-005"],
  ];
  assert.equal(cases.length, CASES);
  for (const [n, [what, kind, play, code]] of cases.entries()) {
    await t.step(what, async () => {
      provider.play(play);
      const rise = await memoryRise(bench.gateway, async () => {
        const answer = await bench.send(search(`${kind}-${n}`));
        assert.deepEqual([answer.status >= 500, answer.code], [true, code]);
      });
      assert.ok(rise < 128 * MIB, `resident memory rose by ${Math.round(rise / MIB)} MiB`);
      assert.deepEqual(bench.takeSeen(), []);
      await bench.assertUnharmed();
    });
  }
});
