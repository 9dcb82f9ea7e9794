/**
 * The shared token cache fails under traffic, and recovers or does not: no client's request fails. Tokens
 * are valid for seconds, so that the cache is used all the time.
 */
import assert from "node:assert/strict";
import { type GatewayProcess, startGateway } from "../fixtures/gateway_process.ts";
import { needing } from "../fixtures/installed_tool.ts";
import {
  REDIS,
  type RedisServer,
  startRedisCluster,
  startRedisServer,
  startWatchedRedis,
} from "../fixtures/redis_server.ts";
import { startTokenEndpoint } from "../fixtures/token_endpoint.ts";
import { startFaultyStore } from "../soak/faulty_store.ts";

const TOKEN_SECONDS = 2;
const USED_LIMIT_MS = 15_000;
const CLIENTS = 4;
const ENCRYPTION_KEY = btoa("0123456789abcdef0123456789abcdef");

/** Sends requests to two gateways that share a cache during a fault of the cache. */
async function underTraffic(
  cache: Record<string, unknown>,
  stateDirectory: string,
  fault: () => Promise<void>,
): Promise<void> {
  const provider = startTokenEndpoint({ expiresInSeconds: TOKEN_SECONDS });
  const store = startFaultyStore((token) => provider.issued.includes(token));
  const config = {
    Workers: 2,
    TokenCache: { EncryptionKey: ENCRYPTION_KEY, ...cache },
    Servers: { main: { Url: store.url, ...provider.serverKeys } },
  };
  {
    await using first = await startGateway(config, { stateDirectory });
    await using second = await startGateway(config, { stateDirectory });
    const statuses = new Map<number, number>();
    let isOver = false;
    const client = async ({ url }: GatewayProcess) => {
      while (!isOver) {
        const response = await fetch(`${url}/dicom-web/main/studies?seed=1&bytes=100`);
        await response.body?.cancel();
        statuses.set(response.status, (statuses.get(response.status) ?? 0) + 1);
        await pause(10);
      }
    };
    const traffic = Array.from({ length: CLIENTS }, (_, at) => client(at % 2 ? first : second));
    await pause(1_000);
    await fault();
    await pause(2 * TOKEN_SECONDS * 1000);
    isOver = true;
    await Promise.all(traffic);
    assert.deepEqual([...statuses.keys()], [200], JSON.stringify([...statuses]));
    assert.ok(provider.issued.length >= 3, "tokens were not renewed while the cache was away");
  }
  await provider.close();
  await store.close();
}

/** Waits until one of the servers has a key. Its tokens expire soon after the traffic has ended. */
async function untilUsed(...servers: readonly RedisServer[]): Promise<void> {
  const deadline = Date.now() + USED_LIMIT_MS;
  for (;;) {
    const sizes = await Promise.all(servers.map(({ command }) => command("dbsize")));
    if (sizes.some((size) => size !== "0")) return;
    assert.ok(Date.now() < deadline, "the cache was not used again");
    await pause(20);
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

Deno.test(needing(REDIS, {
  name: "Redis hangs, is killed and comes back empty under traffic: no request fails",
  fn: async () => {
    let redis = await startRedisServer();
    const stateDirectory = await Deno.makeTempDir();
    await underTraffic({ Backend: "redis", Url: redis.url }, stateDirectory, async () => {
      redis.pause();
      await pause(TOKEN_SECONDS * 1000);
      redis.resume();
      await pause(500);
      await redis.kill();
      await pause(TOKEN_SECONDS * 1000);
      redis = await startRedisServer({ port: redis.port });
    });
    await redis.kill();
    await Deno.remove(stateDirectory, { recursive: true });
  },
}));

Deno.test(needing(REDIS, {
  name:
    "Sentinel makes a replica of Redis the primary under traffic: no request fails, and it is used",
  fn: async () => {
    const { primary, replica, sentinel, name, failOver } = await startWatchedRedis("password");
    const stateDirectory = await Deno.makeTempDir();
    const cache = {
      Backend: "redis",
      Url: [primary.url, replica.url],
      Sentinel: { Name: name, Nodes: [sentinel.url] },
    };
    await underTraffic(cache, stateDirectory, async () => {
      assert.notEqual(await primary.command("dbsize"), "0");
      await failOver();
      await primary.kill();
      await replica.command("flushall");
      await untilUsed(replica);
    });
    await Promise.all([replica.kill(), sentinel.kill()]);
    await Deno.remove(stateDirectory, { recursive: true });
  },
}));

Deno.test(needing(REDIS, {
  name: "A replica takes over in a Redis Cluster under traffic: no request fails, and it is used",
  fn: async () => {
    const cluster = await startRedisCluster();
    const [first, second, replica] = cluster as [RedisServer, RedisServer, RedisServer];
    const stateDirectory = await Deno.makeTempDir();
    const cache = { Backend: "redis", Url: cluster.map(({ url }) => url) };
    await underTraffic(cache, stateDirectory, async () => {
      await second.kill();
      await replica.command("cluster", "failover", "takeover");
      await Promise.all([first, replica].map(({ command }) => command("flushall")));
      await untilUsed(first, replica);
    });
    await Promise.all([first.kill(), replica.kill()]);
    await Deno.remove(stateDirectory, { recursive: true });
  },
}));

Deno.test("The KV file is removed under traffic: no request fails", async () => {
  const stateDirectory = await Deno.makeTempDir();
  await underTraffic({ Backend: "kv" }, stateDirectory, async () => {
    const files = [...Deno.readDirSync(stateDirectory)];
    assert.ok(files.length > 0, "there is no KV file");
    for (const { name } of files) {
      await Deno.remove(`${stateDirectory}/${name}`, { recursive: true });
    }
  });
  await Deno.remove(stateDirectory, { recursive: true });
});
