/** Revocation of tokens on running gateways. */
import assert from "node:assert/strict";
import { type GatewayProcess, startGateway } from "../fixtures/gateway_process.ts";
import { needing } from "../fixtures/installed_tool.ts";
import { REDIS, startRedisServer } from "../fixtures/redis_server.ts";
import { startTokenEndpoint, type TestTokenEndpoint } from "../fixtures/token_endpoint.ts";
import { serveLoopback } from "../fixtures/listening.ts";

const ENCRYPTION_KEY = btoa("0123456789abcdef0123456789abcdef");
/** The bound that the documents name. */
const CHECK_MS = 5000;

interface Parts {
  readonly endpoint: TestTokenEndpoint;
  /** The tokens of the store's requests since the last call. */
  seen(): Set<string>;
  section(keys: Record<string, unknown>): Record<string, unknown>;
}

async function withParts(test: (parts: Parts) => Promise<void>): Promise<void> {
  const endpoint = startTokenEndpoint();
  let tokens = new Set<string>();
  const store = serveLoopback((request) => {
    tokens.add(request.headers.get("authorization") ?? "none");
    return new Response(null);
  });
  try {
    await test({
      endpoint,
      seen() {
        const seen = tokens;
        tokens = new Set();
        return seen;
      },
      section: (keys) => ({
        Servers: {
          main: { Url: `${store.url}/dicom-web`, ...endpoint.serverKeys },
        },
        ...keys,
      }),
    });
  } finally {
    await store.shutdown();
    await endpoint.close();
  }
}

/** Sends requests over a connection each, so that all workers get some. */
async function ask({ url }: GatewayProcess, count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    const client = Deno.createHttpClient({ poolMaxIdlePerHost: 0 });
    const response = await fetch(`${url}/dicom-web/main/studies`, { client });
    await response.body?.cancel();
    assert.equal(response.status, 200);
    client.close();
  }
}

async function revoke({ url }: GatewayProcess): Promise<void> {
  const path = "/dicomweb-oauth/servers/main/token";
  const response = await fetch(url + path, { method: "DELETE" });
  const { data } = await response.json();
  assert.equal(response.status, 200);
  assert.deepEqual(data, { server: "main", status: "success", has_token: false });
  // A message to the other worker takes a moment.
  await new Promise((resolve) => setTimeout(resolve, 200));
}

function overlap(a: ReadonlySet<string>, b: ReadonlySet<string>): string[] {
  return [...a].filter((token) => b.has(token));
}

Deno.test("Revoking discards the tokens of all workers at once, even if each has its own", () =>
  withParts(async ({ section, seen }) => {
    const TokenCache = { Backend: "memory" };
    await using gateway = await startGateway(section({ Workers: 2, TokenCache }));
    await ask(gateway, 40);
    const before = seen();
    assert.equal(before.size, 2, "only one worker was used");
    await revoke(gateway);
    await ask(gateway, 40);
    const after = seen();
    assert.equal(after.size, 2);
    assert.deepEqual(overlap(before, after), []);
  }));

Deno.test("Revoking again at once is rejected by every worker", () =>
  withParts(async ({ section }) => {
    await using gateway = await startGateway(section({ Workers: 2 }));
    await ask(gateway, 1);
    await revoke(gateway);
    for (let i = 0; i < 20; i++) {
      const client = Deno.createHttpClient({ poolMaxIdlePerHost: 0 });
      const path = "/dicomweb-oauth/servers/main/token";
      const response = await fetch(gateway.url + path, { method: "DELETE", client });
      await response.body?.cancel();
      assert.equal(response.status, 429);
      client.close();
    }
  }));

for (const backend of ["kv", "redis"] as const) {
  const definition = {
    name: `Revoking at one gateway discards the token of others that share ${backend} within 5 s`,
    fn: () =>
      withParts(async ({ section, seen, endpoint }) => {
        const redis = backend === "redis" ? await startRedisServer() : undefined;
        const stateDirectory = await Deno.makeTempDir();
        const config = section({
          Workers: 2,
          TokenCache: {
            Backend: backend,
            EncryptionKey: ENCRYPTION_KEY,
            ...(redis && { Url: redis.url }),
          },
        });
        {
          await using revoking = await startGateway(config, { stateDirectory });
          await using other = await startGateway(config, { stateDirectory });
          for (const each of [revoking, other]) await ask(each, 20);
          const before = seen();
          assert.equal(before.size, 1, "one token for all four workers");
          await revoke(revoking);
          await ask(revoking, 1);
          assert.deepEqual(
            overlap(before, seen()),
            [],
            "the revoking gateway uses the old token",
          );
          await new Promise((resolve) => setTimeout(resolve, CHECK_MS + 500));
          for (const each of [revoking, other]) await ask(each, 20);
          const after = seen();
          assert.equal(after.size, 1, "one new token for all four workers");
          assert.deepEqual(overlap(before, after), []);
          assert.equal(endpoint.requests.length, 2);
        }
        await redis?.kill();
        await Deno.remove(stateDirectory, { recursive: true });
      }),
  };
  Deno.test(backend === "redis" ? needing(REDIS, definition) : definition);
}
