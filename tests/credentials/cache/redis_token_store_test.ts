import assert from "node:assert/strict";
import { Secret } from "../../../src/config/values/secret.ts";
import { RedisTokenStore } from "../../../src/credentials/cache/redis_token_store.ts";
import { GatewayError } from "../../../src/errors/gateway_error.ts";
import { startFreezingProxy } from "../../fixtures/freezing_proxy.ts";
import { needing } from "../../fixtures/installed_tool.ts";
import {
  REDIS,
  type RedisServer,
  startRedisCluster,
  startRedisServer,
  startWatchedRedis,
} from "../../fixtures/redis_server.ts";

function redisAt(url: string): RedisTokenStore {
  return new RedisTokenStore({ mode: "single", urls: [new Secret(url)] });
}

for (const url of ["http://user:hunter2@cache.test", "redis://user:hunter2@:x:y", "hunter2"]) {
  Deno.test(`RedisTokenStore refuses the URL ${url.replace("hunter2", "…")} without repeating it`, async () => {
    const store = redisAt(url);
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

/** A server that answers every command with a number, as no Redis does. */
function startCountingServer(): { readonly url: string; close(): void } {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  void (async () => {
    for await (const connection of listener) {
      void (async () => {
        for await (const _ of connection.readable) {
          await connection.write(new TextEncoder().encode(":1\r\n"));
        }
      })().catch(() => {});
    }
  })();
  return {
    url: `redis://127.0.0.1:${listener.addr.port}`,
    close: () => listener.close(),
  };
}

Deno.test({
  name: "RedisTokenStore names an answer that is not a string",
  sanitizeOps: false,
  sanitizeResources: false,
  async fn() {
    const server = startCountingServer();
    const store = redisAt(server.url);
    await assert.rejects(store.get("a"), /the answer is not a string/);
    await assert.rejects(store.generation("a"), /the answer is not a string/);
    await store.close();
    server.close();
  },
});

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
  const store = redisAt(server.url);
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
  const store = redisAt(server.url);
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
  const store = redisAt(`redis://127.0.0.1:${proxy.port}`);
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
  const store = redisAt(server.url.replace("right", "hunter2"));
  const error = await store.get("a").then(() => undefined, (error: unknown) => error);
  assert(error instanceof Error);
  assert.match(error.message, /WRONGPASS/);
  assert.doesNotMatch(Deno.inspect(error), /hunter2/);
  await store.close();
  await server.kill();
});

/** Another server takes over, and the name leads to it, but old connections stay open. */
const FAILOVERS: Record<string, (old: RedisServer, next: RedisServer) => Promise<unknown>> = {
  "a replica (READONLY)": (old, next) => old.command("replicaof", "127.0.0.1", String(next.port)),
  "a replica without its primary (MASTERDOWN)": async (old) => {
    await old.command("config", "set", "replica-serve-stale-data", "no");
    await old.command("replicaof", "127.0.0.1", "1");
  },
  "a replica that loads its data (LOADING)": async (old, next) => {
    const fill = "for i = 1, 500 do redis.call('set', i, string.rep('x', 1000)) end";
    await next.command("eval", fill, "0");
    // In microseconds for each key.
    await old.command("config", "set", "key-load-delay", "10000");
    await old.command("config", "set", "loading-process-events-interval-bytes", "1024");
    await old.command("replicaof", "127.0.0.1", String(next.port));
    await eventually(async () => assert.match(await old.command("get", "a"), /^LOADING/));
  },
  "short of replicas (NOREPLICAS)": (old) =>
    old.command("config", "set", "min-replicas-to-write", "1"),
};

for (const [state, failOver] of Object.entries(FAILOVERS)) {
  test(`RedisTokenStore uses the new primary at once when the old one is ${state}`, async () => {
    const [old, next] = [await startRedisServer(), await startRedisServer()];
    const proxy = startFreezingProxy(old.port);
    const store = redisAt(`redis://127.0.0.1:${proxy.port}`);
    await store.set("a", "old", 60_000);
    proxy.leadTo(next.port);
    await failOver(old, next);
    assert.equal(await store.acquireLease("a", "holder", 60_000), true);
    await store.set("a", "new", 60_000);
    assert.equal(await next.command("get", "dicomweb-gateway:token:a"), "new");
    await store.close();
    await proxy.close();
    await Promise.all([old.kill(), next.kill()]);
  });
}

test("RedisTokenStore reports a server that stays a replica", async () => {
  const [primary, replica] = [await startRedisServer(), await startRedisServer()];
  await replica.command("replicaof", "127.0.0.1", String(primary.port));
  const store = redisAt(replica.url);
  await assert.rejects(store.set("a", "value", 60_000), { message: /^READONLY / });
  await store.close();
  await Promise.all([primary.kill(), replica.kill()]);
});

/** In both halves of the slots. */
const KEYS = Array.from({ length: 8 }, (_, at) => `key ${at}`);

async function useAll(store: RedisTokenStore): Promise<void> {
  for (const key of KEYS) {
    await store.set(key, "value", 60_000);
    assert.equal(await store.get(key), "value");
    assert.equal(await store.acquireLease(key, "holder", 60_000), true);
    await store.releaseLease(key, "holder");
  }
}

test("RedisTokenStore follows a Redis Cluster, also when a replica takes over", async () => {
  const cluster = await startRedisCluster();
  const [first, second, replica] = cluster as [RedisServer, RedisServer, RedisServer];
  const urls = cluster.map(({ url }) => new Secret(url));
  const store = new RedisTokenStore({ mode: "cluster", urls });
  await useAll(store);
  for (const { command } of [first, second]) assert.notEqual(await command("dbsize"), "0");
  await store.verify();
  await second.kill();
  await replica.command("cluster", "failover", "takeover");
  await eventually(() => useAll(store));
  await store.close();
  await Promise.all([first.kill(), replica.kill()]);
});

Deno.test({
  name: "RedisTokenStore says that a web server is not Redis",
  sanitizeOps: false,
  sanitizeResources: false,
  fn: async () => {
    await using server = Deno.serve(
      { port: 0, hostname: "127.0.0.1", onListen() {} },
      () => new Response("no Redis"),
    );
    const store = redisAt(`redis://127.0.0.1:${server.addr.port}`);
    await assert.rejects(store.get("a"), /not connected: the service on this port is not Redis$/);
    await store.close();
  },
});

test("RedisTokenStore explains a cluster of which it does not know every node", async () => {
  const cluster = await startRedisCluster();
  const [first, second] = cluster as [RedisServer, RedisServer];
  const single = redisAt(first.url);
  await assert.rejects(useAll(single), {
    message: "it is a node of a Redis Cluster; list the nodes in TokenCache.Url",
  });
  const incomplete = new RedisTokenStore({ mode: "cluster", urls: [new Secret(first.url)] });
  await assert.rejects(useAll(incomplete), {
    message: `Redis refers to 127.0.0.1:${second.port}, which TokenCache does not list`,
  });
  // A probe's own key may belong to a listed node.
  await eventually(() =>
    assert.rejects(incomplete.verify(), {
      message: `Redis refers to 127.0.0.1:${second.port}, which TokenCache does not list`,
    })
  );
  await Promise.all([single.close(), incomplete.close()]);
  await Promise.all(cluster.map((node) => node.kill()));
});

test("RedisTokenStore contacts no primary that TokenCache does not list", async () => {
  const watched = await startWatchedRedis("hunter2");
  const unlisted = new RedisTokenStore({
    mode: "sentinel",
    urls: [new Secret(watched.replica.url)],
    name: watched.name,
    sentinels: [new Secret(watched.sentinel.url)],
  });
  await unlisted.open();
  await assert.rejects(unlisted.get("a"), {
    message: `not connected: Redis refers to 127.0.0.1:${watched.primary.port}, ` +
      "which TokenCache does not list",
  });
  await unlisted.close();
  await Promise.all(
    [watched.primary, watched.replica, watched.sentinel].map((each) => each.kill()),
  );
});

test("RedisTokenStore uses the primary that Sentinel names, before and after a failover", async () => {
  const { primary, replica, sentinel, name, failOver } = await startWatchedRedis("p@ss:word");
  const store = new RedisTokenStore({
    mode: "sentinel",
    urls: [primary, replica].map(({ url }) => new Secret(`${url}/2`)),
    name,
    sentinels: [new Secret(sentinel.url)],
  });
  await useAll(store);
  assert.match(await primary.command("info", "keyspace"), /db2:keys=8/);
  await failOver();
  await eventually(() => useAll(store));
  assert.match(await replica.command("role"), /^master/);
  await primary.kill();
  await eventually(() => useAll(store));
  await store.close();
  await Promise.all([replica.kill(), sentinel.kill()]);
});
