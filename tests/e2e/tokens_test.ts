/** The gateway's promises about tokens, on running gateways. */
import assert from "node:assert/strict";
import { type GatewayProcess, startGateway } from "../fixtures/gateway_process.ts";
import { needing } from "../fixtures/installed_tool.ts";
import { REDIS, startRedisServer } from "../fixtures/redis_server.ts";
import { startTokenEndpoint, type TestTokenEndpoint } from "../fixtures/token_endpoint.ts";
import { type LoopbackServer, serveLoopback } from "../fixtures/listening.ts";

const ENCRYPTION_KEY = btoa("0123456789abcdef0123456789abcdef");

/** A store that accepts only unexpired tokens of the endpoint. */
function startStore(provider: TestTokenEndpoint, lifeMs = Infinity) {
  const firstSeenMs = new Map<string, number>();
  return serveLoopback((request) => {
    const token = request.headers.get("authorization")?.replace(/^Bearer /, "") ?? "";
    const now = Date.now();
    const seen = firstSeenMs.get(token) ?? now;
    firstSeenMs.set(token, seen);
    const good = provider.issued.includes(token) && now < seen + lifeMs;
    return new Response(null, { status: good ? 200 : 401 });
  });
}

function section(
  store: LoopbackServer,
  provider: TestTokenEndpoint,
  keys: Record<string, unknown> = {},
): Record<string, unknown> {
  return {
    Servers: {
      main: { Url: `${store.url}/dicom-web`, ...provider.serverKeys },
    },
    ...keys,
  };
}

/** Sends requests at once and returns their distinct statuses. */
async function burst(gateways: readonly GatewayProcess[], count: number): Promise<number[]> {
  const statuses = await Promise.all(
    Array.from({ length: count }, async (_, index) => {
      const { url } = gateways[index % gateways.length]!;
      const response = await fetch(`${url}/dicom-web/main/studies`);
      await response.body?.cancel();
      return response.status;
    }),
  );
  return [...new Set(statuses)];
}

Deno.test("1,000 concurrent first requests cause one token request", async () => {
  const provider = startTokenEndpoint({ delayMs: 300 });
  const store = startStore(provider);
  await using gateway = await startGateway(section(store, provider));
  assert.deepEqual(await burst([gateway], 1000), [200]);
  assert.equal(provider.requests.length, 1);
  await provider.close();
  await store.shutdown();
});

Deno.test("1,000 concurrent first requests to two gateways that share a KV file cause one token request", async () => {
  const provider = startTokenEndpoint({ delayMs: 300 });
  const store = startStore(provider);
  const stateDirectory = await Deno.makeTempDir();
  const config = section(store, provider, {
    TokenCache: { Backend: "kv", EncryptionKey: ENCRYPTION_KEY },
  });
  {
    await using first = await startGateway(config, { stateDirectory });
    await using second = await startGateway(config, { stateDirectory });
    assert.deepEqual(await burst([first, second], 1000), [200]);
    assert.equal(provider.requests.length, 1);
  }
  await using later = await startGateway(config, { stateDirectory });
  assert.deepEqual(await burst([later], 10), [200]);
  assert.equal(provider.requests.length, 1, "a gateway that starts later finds the token");
  await provider.close();
  await store.shutdown();
  await Deno.remove(stateDirectory, { recursive: true });
});

Deno.test("Without TokenCache, two workers and the next start of the gateway use one token", async () => {
  const provider = startTokenEndpoint({ delayMs: 300 });
  const store = startStore(provider);
  const stateDirectory = await Deno.makeTempDir();
  const config = section(store, provider, { Workers: 2 });
  for (const start of ["first", "second"]) {
    await using gateway = await startGateway(config, { stateDirectory });
    assert.deepEqual(await burst([gateway], 100), [200]);
    assert.equal(provider.requests.length, 1, `${start} start`);
  }
  const files = [...Deno.readDirSync(stateDirectory)];
  for (const { name } of files) {
    const content = await Deno.readFile(`${stateDirectory}/${name}`);
    const text = new TextDecoder("latin1").decode(content);
    for (const token of provider.issued) {
      assert(!text.includes(token), `${name} contains the token`);
    }
  }
  assert(files.some(({ name }) => name === "tokens.key"));
  await provider.close();
  await store.shutdown();
  await Deno.remove(stateDirectory, { recursive: true });
});

Deno.test("Without a usable state directory, the gateway warns and caches tokens in memory", async () => {
  const provider = startTokenEndpoint();
  const store = startStore(provider);
  const stateDirectory = "/dev/null/state";
  await using gateway = await startGateway(section(store, provider), { stateDirectory });
  assert.deepEqual(await burst([gateway], 10), [200]);
  assert.equal(provider.requests.length, 1);
  await gateway.until(/Cannot use the state directory; tokens are cached in memory only/);
  await provider.close();
  await store.shutdown();
});

Deno.test(needing(REDIS, {
  name:
    "1,000 concurrent first requests to two gateways that share Redis cause one token request, and each runs two workers",
  fn: async () => {
    const redis = await startRedisServer();
    const provider = startTokenEndpoint({ delayMs: 300 });
    const store = startStore(provider);
    const config = section(store, provider, {
      Workers: 2,
      TokenCache: { Backend: "redis", Url: redis.url, EncryptionKey: ENCRYPTION_KEY },
    });
    {
      await using first = await startGateway(config);
      await using second = await startGateway(config);
      assert.deepEqual(await burst([first, second], 1000), [200]);
      assert.equal(provider.requests.length, 1);
    }
    await provider.close();
    await store.shutdown();
    await redis.kill();
  },
}));

// The token endpoint takes a second for each response: a request that waited for one would show.
Deno.test("With tokens of 20 s and traffic for 60 s, no request fails and none waits after the first", async () => {
  const provider = startTokenEndpoint({ expiresInSeconds: 20, delayMs: 1000 });
  const store = startStore(provider, 20_000);
  await using gateway = await startGateway(section(store, provider));
  const statuses = new Map<number, number>();
  const endMs = Date.now() + 60_000;
  while (Date.now() < endMs) {
    const response = await fetch(`${gateway.url}/dicom-web/main/studies`);
    await response.body?.cancel();
    statuses.set(response.status, (statuses.get(response.status) ?? 0) + 1);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const metrics = await (await fetch(`${gateway.url}/dicomweb-oauth/metrics`)).text();
  const value = (name: string) =>
    Number(new RegExp(`^dicomweb_oauth_${name}\\{[^}]*\\} (\\d+)$`, "m").exec(metrics)?.[1]);
  assert.deepEqual([...statuses.keys()], [200]);
  assert.equal(value("cache_misses_total"), 1, "requests that waited for a token");
  assert.equal(value("cache_hits_total"), statuses.get(200)! - 1);
  assert.ok(provider.issued.length >= 3, `${provider.issued.length} tokens in 60 s`);
  assert.ok(provider.issued.length <= 10, `${provider.issued.length} tokens in 60 s`);
  await provider.close();
  await store.shutdown();
});
