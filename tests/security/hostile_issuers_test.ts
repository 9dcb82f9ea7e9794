/**
 * Issuers of clients' tokens that lead the gateway to another host, or whose key set is endless: the token
 * is not accepted, no other host is contacted, and the response says that the client is not at fault.
 */
import assert from "node:assert/strict";
import { startGateway } from "../fixtures/gateway_process.ts";
import { makeIssuerKey, signToken } from "../fixtures/jwt_issuer.ts";
import { memoryRise } from "../fixtures/memory_watch.ts";
import { type RawExchange, type RawHandler, startRawOrigin } from "../fixtures/raw_origin.ts";

const MIB = 1024 * 1024;
const JSON_TYPE = { "content-type": "application/json" };

/** An attack: the key set's URL in the discovery document, and the response there. */
interface Trick {
  readonly keysAt?: (own: string, elsewhere: string) => string;
  readonly answer?: (exchange: RawExchange, elsewhere: string) => Promise<void>;
}

const TRICKS: Record<string, Trick> = {
  "keys at another host": { keysAt: (_, elsewhere) => `${elsewhere}/keys` },
  "keys at a metadata address": { keysAt: () => "http://169.254.169.254/latest/meta-data/" },
  "keys at another port of its own host": { keysAt: () => "http://127.0.0.1:9/keys" },
  "keys in a file": { keysAt: () => "file:///etc/passwd" },
  "keys that redirect to another host": {
    answer: (exchange, elsewhere) => exchange.answer(302, "", { location: `${elsewhere}/keys` }),
  },
  "keys without end": {
    async answer(exchange) {
      await exchange.writeHead(200, { ...JSON_TYPE, connection: "close" });
      const blank = new Uint8Array(MIB).fill(0x20);
      for (let count = 0; count < 512; count++) await exchange.write(blank);
      exchange.close();
    },
  },
};

Deno.test("hostile issuers: keys are fetched from configured hosts only, up to a limit", async (t) => {
  const elsewhere = startRawOrigin((exchange) => exchange.answer(200, '{"keys":[]}', JSON_TYPE));
  const store = startRawOrigin((exchange) => exchange.answer(200, "[]", JSON_TYPE));
  const issuers = Object.entries(TRICKS).map(([what, { keysAt, answer }]) => {
    const play: RawHandler = async (exchange) => {
      if (!exchange.target.startsWith("/.well-known/")) {
        await (answer?.(exchange, elsewhere.url) ?? exchange.answer(404));
        return;
      }
      const keys = keysAt?.(origin.url, elsewhere.url) ?? `${origin.url}/keys`;
      const document = JSON.stringify({ issuer: origin.url, jwks_uri: keys });
      await exchange.answer(200, document, JSON_TYPE);
    };
    const origin = startRawOrigin(play);
    return { what, origin };
  });
  const key = await makeIssuerKey("ES256", "k1");
  {
    await using gateway = await startGateway({
      Authentication: {
        Jwt: Object.fromEntries(issuers.map(({ origin }, n) => [`idp-${n}`, {
          Issuer: origin.url,
          Audience: "gateway",
          Algorithms: ["ES256"],
        }])),
      },
      Servers: { main: { ProviderType: "none", Url: store.url } },
    });
    for (const { what, origin } of issuers) {
      await t.step(what, async () => {
        const claims = {
          iss: origin.url,
          aud: "gateway",
          sub: "4711",
          exp: Date.now() / 1000 + 60,
        };
        const token = await signToken(key, claims);
        const rise = await memoryRise(gateway, async () => {
          const response = await fetch(`${gateway.url}/dicom-web/main/studies`, {
            headers: { authorization: `Bearer ${token}` },
          });
          await response.body?.cancel();
          assert.equal(response.status, 503);
        });
        const least = TRICKS[what]?.answer === undefined ? 1 : 2;
        assert.ok(origin.exchanges >= least, "the issuer was not asked, or not for its keys");
        assert.ok(rise < 128 * MIB, `resident memory rose by ${Math.round(rise / MIB)} MiB`);
        assert.deepEqual([elsewhere.connections, store.connections], [0, 0]);
      });
    }
    assert.doesNotMatch(gateway.output(), /INT-001/);
  }
  for (const { origin } of issuers) await origin.close();
  await elsewhere.close();
  await store.close();
});
