/**
 * Objects that hold secrets or tokens reveal none when printed, logged, inspected to any depth or turned
 * into JSON: those of the supervisor, which keeps the configuration for crashed workers, and of a worker.
 */
import assert from "node:assert/strict";
import { parseConfig } from "../../src/config/parse_config.ts";
import { createAuthorizer } from "../../src/credentials/create_authorizer.ts";
import { createTokenStore } from "../../src/credentials/cache/create_token_store.ts";
import { HttpClient } from "../../src/network/http_client.ts";
import { Supervisor } from "../../src/runtime/supervisor.ts";
import { createMetrics } from "../../src/telemetry/metrics.ts";
import { loadFromMemory } from "../config/memory_files.ts";
import { MemoryLogger } from "../fixtures/memory_logger.ts";

const SECRET = "marked-client-secret";
const TOKEN = "marked-access-token";

function shown(thing: unknown): string {
  const ways = [
    Deno.inspect(thing, { depth: Infinity, showHidden: true, getters: true }),
    Deno.inspect(thing),
    String(thing),
  ];
  try {
    ways.push(JSON.stringify(thing) ?? "");
  } catch (error) {
    ways.push(String(error));
  }
  return ways.join("\n");
}

function assertHides(thing: unknown, name: string): void {
  const text = shown(thing);
  for (const secret of [SECRET, TOKEN]) assert(!text.includes(secret), `${name} reveals ${secret}`);
}

Deno.test("Objects that hold secrets and tokens reveal none when inspected to any depth", async () => {
  await using provider = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    () => Response.json({ access_token: TOKEN, token_type: "Bearer", expires_in: 3600 }),
  );
  const url = `http://127.0.0.1:${provider.addr.port}`;
  const source = await loadFromMemory({
    DicomWebOAuth: {
      Listen: { Port: 0 },
      TokenCache: { Backend: "memory" },
      Servers: {
        main: { Url: url, TokenEndpoint: `${url}/token`, ClientId: "c", ClientSecret: SECRET },
      },
    },
  });
  assert(shown(source).includes(SECRET), "the search does not find a secret");
  const config = await parseConfig(source);
  const logger = new MemoryLogger();
  const metrics = createMetrics();
  const store = createTokenStore(config.tokenCache, { stateDirectory: "/", metrics, logger });
  const http = new HttpClient({ allowlist: new Set([new URL(url).host]), caCertificatesPem: [] });
  const authorizer = createAuthorizer(config.servers.get("main")!, {
    http,
    store,
    stateDirectory: "/",
    metrics,
    logger,
    security: logger,
  });
  try {
    const { headers } = await authorizer.authorize({
      method: "GET",
      url,
      headers: new Headers(),
      body: null,
      signal: AbortSignal.timeout(5_000),
    });
    assert.equal(headers["authorization"], `Bearer ${TOKEN}`, "no token is held");
    for (const [name, thing] of Object.entries({ config, authorizer, store, http, logger })) {
      assertHides(thing, name);
    }
  } finally {
    await authorizer.close();
    await store.close();
    http.close();
  }
  const supervisor = await Supervisor.start({ config, logger, version: "1.2.3" });
  try {
    assertHides(supervisor, "the supervisor");
  } finally {
    await supervisor.stop();
  }
});
