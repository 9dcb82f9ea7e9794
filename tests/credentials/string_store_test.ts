import assert from "node:assert/strict";
import { Secret } from "../../src/config/values/secret.ts";
import { systemClock } from "../../src/network/clock.ts";
import { KvFile, kvService } from "../../src/credentials/cache/kv_location.ts";
import { KvTokenStore } from "../../src/credentials/cache/kv_token_store.ts";
import type { StringStore } from "../../src/credentials/cache/token_store.ts";
import { RedisTokenStore } from "../../src/credentials/cache/redis_token_store.ts";
import { needing } from "../fixtures/installed_tool.ts";
import { startKvConnectServer } from "../fixtures/kv_connect_server.ts";
import { REDIS, startRedisServer } from "../fixtures/redis_server.ts";

interface Backend {
  /** Opens another store with the same data, like another process. */
  open(): StringStore;
  close(): Promise<void>;
}

async function startKvFile(): Promise<Backend> {
  const directory = await Deno.makeTempDir();
  return {
    open: () => new KvTokenStore(new KvFile(`${directory}/tokens.kv`), systemClock),
    close: () => Deno.remove(directory, { recursive: true }),
  };
}

function startKvConnect(): Promise<Backend> {
  const server = startKvConnectServer("access-token");
  Deno.env.set("DENO_KV_ACCESS_TOKEN", "access-token");
  return Promise.resolve({
    open: () => new KvTokenStore(kvService(server.url), systemClock),
    close: async () => {
      Deno.env.delete("DENO_KV_ACCESS_TOKEN");
      await server.close();
    },
  });
}

async function startRedis(): Promise<Backend> {
  const server = await startRedisServer({ password: "p@ss:wörd" });
  return {
    open: () => new RedisTokenStore({ mode: "single", urls: [new Secret(server.url)] }),
    close: () => server.kill(),
  };
}

for (
  const [name, start] of [
    ["KvTokenStore with a file", startKvFile],
    ["KvTokenStore with a service", startKvConnect],
    ["RedisTokenStore", startRedis],
  ] as const
) {
  const test = (
    sentence: string,
    body: (one: StringStore, two: StringStore) => Promise<void>,
  ) => {
    const fn = async () => {
      const backend = await start();
      const [one, two] = [backend.open(), backend.open()];
      try {
        await body(one, two);
      } finally {
        await one.close();
        await two.close();
        await backend.close();
      }
    };
    const definition = { name: `${name} ${sentence}`, fn };
    Deno.test(start === startRedis ? needing(REDIS, definition) : definition);
  };

  test("shares what is set and deleted", async (one, two) => {
    assert.equal(await one.get("a"), undefined);
    await one.set("a", "value", 60_000);
    assert.equal(await two.get("a"), "value");
    assert.equal(await two.get("b"), undefined);
    await two.delete("a");
    assert.equal(await one.get("a"), undefined);
  });

  test("grants the lease to one of two, until it is released", async (one, two) => {
    const taken = await Promise.all([
      one.acquireLease("a", "one", 60_000),
      two.acquireLease("a", "two", 60_000),
    ]);
    assert.deepEqual(taken.filter(Boolean).length, 1);
    const [holder, loser] = taken[0] ? [one, two] : [two, one];
    const [holderName, loserName] = taken[0] ? ["one", "two"] : ["two", "one"];
    await loser.releaseLease("a", loserName);
    assert.equal(await loser.acquireLease("a", loserName, 60_000), false, "released by a stranger");
    assert.equal(await loser.acquireLease("b", loserName, 60_000), true, "another key");
    await holder.releaseLease("a", holderName);
    assert.equal(await loser.acquireLease("a", loserName, 60_000), true);
  });

  test("ends a lease after its time, which the holder may extend", async (one, two) => {
    assert(await one.acquireLease("a", "one", 150));
    assert(await one.acquireLease("a", "one", 60_000), "its holder may extend it");
    assert(await one.acquireLease("b", "one", 150));
    await new Promise((resolve) => setTimeout(resolve, 200));
    assert.equal(await two.acquireLease("a", "two", 150), false);
    assert.equal(await two.acquireLease("b", "two", 150), true);
  });
}
