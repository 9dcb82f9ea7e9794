import assert from "node:assert/strict";
import { Secret } from "../../../src/config/values/secret.ts";
import { RedisTokenStore } from "../../../src/credentials/cache/redis_token_store.ts";
import { GatewayError } from "../../../src/errors/gateway_error.ts";
import { startFreezingProxy } from "../../fixtures/freezing_proxy.ts";
import { needing } from "../../fixtures/installed_tool.ts";
import { REDIS, startRedisServer } from "../../fixtures/redis_server.ts";

for (const url of ["http://user:hunter2@cache.test", "redis://user:hunter2@:x:y", "hunter2"]) {
  Deno.test(`RedisTokenStore refuses the URL ${url.replace("hunter2", "…")} without repeating it`, async () => {
    const store = new RedisTokenStore(new Secret(url));
    const error = await store.get("a").then(() => undefined, (error: unknown) => error);
    await store.close();
    assert(error instanceof GatewayError);
    assert.equal(error.code, "CFG-002");
    assert.doesNotMatch(Deno.inspect(error), /hunter2/);
  });
}

function test(name: string, fn: () => Promise<void>): void {
  // The library's reconnect delay ends only after the store is closed.
  Deno.test(needing(REDIS, { name, fn, sanitizeOps: false, sanitizeResources: false }));
}

async function eventually(run: () => Promise<void>): Promise<void> {
  for (let attempt = 0;; attempt++) {
    try {
      return await run();
    } catch (error) {
      if (attempt === 100) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

test("RedisTokenStore fails at once with the reason while Redis is down, and recovers", async () => {
  const server = await startRedisServer();
  const store = new RedisTokenStore(new Secret(server.url));
  await store.set("a", "value", 60_000);
  await server.kill();
  const startMs = performance.now();
  await assert.rejects(store.get("a"));
  await eventually(() => assert.rejects(store.get("a"), /not connected: .*ECONNREFUSED/));
  assert(performance.now() - startMs < 20_000);
  const back = await startRedisServer({ port: server.port });
  await eventually(() => store.set("a", "again", 60_000));
  assert.equal(await store.get("a"), "again");
  await store.close();
  await back.kill();
});

test("RedisTokenStore times out while Redis hangs, and recovers", async () => {
  const server = await startRedisServer();
  const store = new RedisTokenStore(new Secret(server.url));
  await store.set("a", "value", 60_000);
  server.pause();
  await assert.rejects(store.get("a"), { message: "no answer within 800 ms" });
  await assert.rejects(store.get("a"));
  server.resume();
  await eventually(async () => assert.equal(await store.get("a"), "value"));
  await store.close();
  await server.kill();
});

test("RedisTokenStore replaces a connection that no longer responds", async () => {
  const server = await startRedisServer();
  const proxy = startFreezingProxy(server.port);
  const store = new RedisTokenStore(new Secret(`redis://127.0.0.1:${proxy.port}`));
  await store.set("a", "value", 60_000);
  proxy.freeze();
  await assert.rejects(store.get("a"), { message: "no answer within 800 ms" });
  assert.equal(await store.get("a"), "value");
  await store.close();
  await proxy.close();
  await server.kill();
});

test("RedisTokenStore never reveals its password, in a message or a cause", async () => {
  const server = await startRedisServer({ password: "right" });
  const store = new RedisTokenStore(new Secret(server.url.replace("right", "hunter2")));
  const error = await store.get("a").then(() => undefined, (error: unknown) => error);
  assert(error instanceof Error);
  assert.match(error.message, /WRONGPASS/);
  assert.doesNotMatch(Deno.inspect(error), /hunter2/);
  await store.close();
  await server.kill();
});
