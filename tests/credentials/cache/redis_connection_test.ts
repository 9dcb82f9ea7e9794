import assert from "node:assert/strict";
import type { RedisClientType } from "@redis/client";
import { Secret } from "../../../src/config/values/secret.ts";
import { RedisConnection } from "../../../src/credentials/cache/redis_connection.ts";
import type { RedisClient } from "../../../src/credentials/cache/redis_client.ts";
import { startFreezingProxy } from "../../fixtures/freezing_proxy.ts";
import { needing } from "../../fixtures/installed_tool.ts";
import { REDIS, startRedisServer } from "../../fixtures/redis_server.ts";

/** Leaves the connection open without its login, as a proxy of Redis does that changes servers. */
function forgetLogin(client: RedisClient): Promise<unknown> {
  return (client as RedisClientType).sendCommand(["RESET"]);
}

Deno.test(needing(REDIS, {
  name:
    "RedisConnection authenticates anew at the server that took over, once NOAUTH says that the old one forgot",
  // The library's reconnect delay ends only after the connection is closed.
  sanitizeOps: false,
  sanitizeResources: false,
  async fn() {
    const password = "p4ssword";
    const [old, next] = [
      await startRedisServer({ password }),
      await startRedisServer({ password }),
    ];
    await old.command("set", "which", "old");
    await next.command("set", "which", "next");
    const proxy = startFreezingProxy(old.port);
    const url = old.url.replace(String(old.port), String(proxy.port));
    const connection = new RedisConnection({ mode: "single", urls: [new Secret(url)] });
    assert.equal(await connection.use((client) => client.get("which")), "old");
    proxy.leadTo(next.port);
    await connection.use(forgetLogin);
    const refusals: unknown[] = [];
    const which = await connection.use((client) =>
      client.get("which").catch((error) => {
        refusals.push(error.message);
        throw error;
      })
    );
    assert.equal(which, "next");
    assert.deepEqual(refusals, ["NOAUTH Authentication required."]);
    connection.close();
    await proxy.close();
    await Promise.all([old.kill(), next.kill()]);
  },
}));
