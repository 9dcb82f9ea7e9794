import assert from "node:assert/strict";
import { encodeBase64 } from "@oslojs/encoding";
import { systemClock } from "../../src/network/clock.ts";
import { kvService } from "../../src/credentials/cache/kv_location.ts";
import { KvTokenStore } from "../../src/credentials/cache/kv_token_store.ts";
import { needing } from "../fixtures/installed_tool.ts";
import { startKvConnectServer } from "../fixtures/kv_connect_server.ts";
import { REDIS, type RedisServer, startRedisServer } from "../fixtures/redis_server.ts";
import { askInSandbox } from "../fixtures/sandboxed_token_worker.ts";
import { startTokenEndpoint, type TestTokenEndpoint } from "../fixtures/token_endpoint.ts";
import { startTokenProcess } from "../fixtures/token_process.ts";
import { createTokenWorker, type TokenWorkerSetup } from "../fixtures/token_worker.ts";

interface Parts {
  readonly endpoint: TestTokenEndpoint;
  readonly setup: TokenWorkerSetup;
  readonly redis: RedisServer | undefined;
}

function newKey(): string {
  return encodeBase64(crypto.getRandomValues(new Uint8Array(32)));
}

async function withCache(
  backend: "memory" | "kv" | "redis",
  test: (parts: Parts) => Promise<void>,
): Promise<void> {
  const stateDirectory = await Deno.makeTempDir();
  const endpoint = startTokenEndpoint({ delayMs: 300 });
  const redis = backend === "redis" ? await startRedisServer({ password: "pw" }) : undefined;
  const cache = redis === undefined ? { backend } : { backend, url: redis.url };
  const setup = { tokenEndpoint: endpoint.url, cache, stateDirectory, encryptionKey: newKey() };
  try {
    await test({ endpoint, setup, redis });
  } finally {
    await endpoint.close();
    await redis?.kill();
    await Deno.remove(stateDirectory, { recursive: true });
  }
}

for (const backend of ["kv", "redis"] as const) {
  const test = (name: string, body: (parts: Parts) => Promise<void>) => {
    const definition = { name, fn: () => withCache(backend, body) };
    Deno.test(backend === "redis" ? needing(REDIS, definition) : definition);
  };

  test(`Two processes that share ${backend} send one token request under 1,000 concurrent requests`, async ({ endpoint, setup }) => {
    const processes = [startTokenProcess(setup), startTokenProcess(setup)];
    // Both are running and idle.
    const answers = await Promise.all(processes.map((each) => each.ask(0)))
      .then(() => Promise.all(processes.map((each) => each.ask(500))));
    const expected = { results: [`Bearer ${endpoint.issued[0]}`], warnings: [] };
    assert.deepEqual(answers, [expected, expected]);
    assert.equal(endpoint.requests.length, 1);
    await Promise.all(processes.map((each) => each.close()));
  });

  test(`A process killed during a token request, with ${backend}, delays the next one by seconds only`, async ({ endpoint, setup }) => {
    let reached = () => {};
    const asked = new Promise<void>((resolve) => reached = resolve);
    endpoint.answer = () => {
      reached();
      return new Promise(() => {});
    };
    const dying = startTokenProcess(setup);
    dying.ask(1).catch(() => {});
    await asked;
    await dying.kill();
    endpoint.answer = undefined;

    const heir = createTokenWorker(setup);
    const startMs = performance.now();
    const { results } = await heir.ask(10);
    assert.deepEqual(results, [`Bearer ${endpoint.issued[0]}`]);
    assert.equal(endpoint.requests.length, 2);
    assert(performance.now() - startMs > 2000, "the lease was not respected");
    await heir.close();
  });

  test(`A restarted process finds its token in ${backend}; one with another key requests a new token`, async ({ endpoint, setup }) => {
    const ask = async (changes: Partial<TokenWorkerSetup> = {}) => {
      const worker = createTokenWorker({ ...setup, ...changes });
      const { results, warnings } = await worker.ask(1);
      await worker.close();
      assert.deepEqual(warnings, []);
      return results[0];
    };
    const first = await ask();
    assert.equal(await ask(), first);
    assert.equal(endpoint.requests.length, 1);
    assert.notEqual(await ask({ encryptionKey: newKey() }), first);
    assert.equal(endpoint.requests.length, 2);
  });

  test(`A sandboxed worker gets its token through ${backend}`, async ({ endpoint, setup, redis }) => {
    const hosts = [endpoint, redis].flatMap((part) => part ? [`127.0.0.1:${part.port}`] : []);
    const { results, warnings } = await askInSandbox(setup, hosts);
    assert.deepEqual({ results, warnings }, {
      results: [`Bearer ${endpoint.issued[0]}`],
      warnings: [],
    });
    // Without a working cache in the sandbox, this would send another token request.
    const outside = createTokenWorker(setup);
    assert.deepEqual((await outside.ask(1)).results, results);
    await outside.close();
  });
}

Deno.test(needing(REDIS, {
  name: "Two workers that start while Redis is slow wait for it, and send one token request",
  fn: () =>
    withCache("redis", async ({ endpoint, setup, redis }) => {
      redis!.pause();
      const workers = [createTokenWorker(setup), createTokenWorker(setup)];
      const resumed = new Promise<void>((resolve) =>
        setTimeout(() => resolve(redis!.resume()), 1000)
      );
      const answers = await Promise.all(workers.map((worker) => worker.ask(100)));
      const expected = { results: [`Bearer ${endpoint.issued[0]}`], warnings: [] };
      assert.deepEqual(answers, [expected, expected]);
      assert.equal(endpoint.requests.length, 1);
      await resumed;
      await Promise.all(workers.map((worker) => worker.close()));
    }),
}));

Deno.test("A sandboxed worker gets its token through a KV Connect service, which stores it encrypted", () =>
  withCache("kv", async ({ endpoint, setup }) => {
    const service = startKvConnectServer("access-token");
    Deno.env.set("DENO_KV_ACCESS_TOKEN", "access-token");
    const hosts = [endpoint, service].map(({ port }) => `127.0.0.1:${port}`);
    const shared = { ...setup, cache: { backend: "kv", url: service.url } } as const;
    const ask = () => askInSandbox(shared, hosts, ["DENO_KV_ACCESS_TOKEN"]);
    try {
      const first = await ask();
      assert.deepEqual(first.warnings, []);
      assert.deepEqual(await ask(), first);
      assert.deepEqual(first.results, [`Bearer ${endpoint.issued[0]}`]);
      assert.equal(endpoint.requests.length, 1);
      const seen = JSON.stringify(service.entries());
      assert.match(seen, /dicomweb-gateway/);
      assert(!seen.includes(endpoint.issued[0] ?? ""));
    } finally {
      Deno.env.delete("DENO_KV_ACCESS_TOKEN");
      await service.close();
    }
  }));

Deno.test({
  name: "An unavailable KV Connect service delays no request for long, and is used again",
  // Deno KV never ends a pending read from a service, not even when it is closed.
  sanitizeOps: false,
  fn: () =>
    withCache("kv", async ({ endpoint, setup }) => {
      Deno.env.set("DENO_KV_ACCESS_TOKEN", "access-token");
      const service = startKvConnectServer("access-token");
      await service.close();
      const location = kvService(service.url);
      const store = new KvTokenStore(location, systemClock);
      await assert.rejects(store.get("a"), { message: "no answer in time" });

      const cache = { backend: "kv", url: service.url } as const;
      const worker = createTokenWorker({ ...setup, cache });
      const startMs = performance.now();
      assert.deepEqual((await worker.ask(10)).results, [`Bearer ${endpoint.issued[0]}`]);
      assert(performance.now() - startMs < 20_000);
      await worker.close();

      const back = startKvConnectServer("access-token", service.port);
      await store.set("a", "value", 60_000);
      assert.equal(back.entries().length, 1);
      await store.close();
      await back.close();
      Deno.env.delete("DENO_KV_ACCESS_TOKEN");
    }),
});
