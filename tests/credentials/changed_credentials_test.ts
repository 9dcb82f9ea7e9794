/**
 * After a change of a server's credentials, tokens of the old ones are not used: with real caches,
 * one row per key.
 */
import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { networkAllowlist } from "../../src/config/sandbox/contacts.ts";
import { createAuthorizer } from "../../src/credentials/create_authorizer.ts";
import { fingerprint } from "../../src/credentials/token.ts";
import { createTokenStore } from "../../src/credentials/cache/create_token_store.ts";
import { HttpClient } from "../../src/network/http_client.ts";
import { createMetrics } from "../../src/telemetry/metrics.ts";
import { parseSection } from "../config/memory_files.ts";
import { needing } from "../fixtures/installed_tool.ts";
import { MemoryLogger } from "../fixtures/memory_logger.ts";
import { REDIS, startRedisServer } from "../fixtures/redis_server.ts";
import { startTokenEndpoint, type TestTokenEndpoint } from "../fixtures/token_endpoint.ts";

type Keys = Readonly<Record<string, unknown>>;

const pem = () =>
  generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey
    .export({ type: "pkcs8", format: "pem" }).toString();

const SECRET: Keys = { ClientId: "gateway", ClientSecret: "old secret", Scope: "dicom" };
const KEY: Keys = { ClientId: "gateway", ClientAuthentication: "private_key_jwt" };
const oldKey = pem();
const spki = generateKeyPairSync("ec", { namedCurve: "P-256" }).publicKey
  .export({ type: "spki", format: "pem" }).toString();

/** The configuration, and the change. */
const changes: [name: string, before: Keys, change: Keys][] = [
  ["its secret", SECRET, { ClientSecret: "new secret" }],
  ["its client", SECRET, { ClientId: "another" }],
  ["its scope", SECRET, { Scope: "dicom.read" }],
  ["no scope any more", SECRET, { Scope: undefined }],
  ["an audience", SECRET, { Audience: "https://store.test" }],
  ["another resource", { ...SECRET, Resource: "https://a.test" }, { Resource: "https://b.test" }],
  ["a further parameter", SECRET, { TokenParameters: { tenant: "radiology" } }],
  [
    "where the secret goes",
    SECRET,
    { ClientAuthentication: "client_secret_basic" },
  ],
  ["the same secret as that of assertions", SECRET, { ClientAuthentication: "client_secret_jwt" }],
  ["its private key", { ...KEY, PrivateKey: oldKey }, { PrivateKey: pem() }],
  [
    "validation of its tokens",
    SECRET,
    { JWTPublicKey: spki, JWTAudience: "https://store.test" },
  ],
];

interface Parts {
  readonly endpoint: TestTokenEndpoint;
  readonly elsewhere: TestTokenEndpoint;
  /** Starts a worker with a configuration, gets a token as its first request would, and ends it. */
  tokenWith(keys: Keys, server?: string): Promise<string>;
}

async function withCache(
  backend: "kv" | "redis",
  test: (parts: Parts) => Promise<void>,
): Promise<void> {
  const stateDirectory = await Deno.makeTempDir();
  const redis = backend === "redis" ? await startRedisServer() : undefined;
  const [endpoint, elsewhere] = [startTokenEndpoint(), startTokenEndpoint()];
  for (const each of [endpoint, elsewhere]) {
    each.answer = () => {
      const token = crypto.randomUUID();
      return Response.json({ access_token: token, token_type: "Bearer", expires_in: 300 });
    };
  }
  try {
    await test({
      endpoint,
      elsewhere,
      async tokenWith(keys, server = "main") {
        const config = await parseSection({
          StateDirectory: stateDirectory,
          TokenCache: {
            Backend: backend,
            EncryptionKey: btoa("0123456789abcdef0123456789abcdef"),
            ...(redis && { Url: redis.url }),
          },
          Servers: {
            [server]: { Url: "https://store.test", TokenEndpoint: endpoint.url, ...keys },
          },
        });
        const logger = new MemoryLogger();
        const collaborators = { stateDirectory, metrics: createMetrics(), logger };
        const store = createTokenStore(config.tokenCache, collaborators);
        const http = new HttpClient({ allowlist: new Set(networkAllowlist(config)) });
        const authorizer = createAuthorizer(config.servers.get(server)!, {
          ...collaborators,
          security: logger,
          store,
          http,
        });
        try {
          const { headers } = await authorizer.authorize({
            method: "GET",
            url: "https://store.test/studies",
            headers: new Headers(),
            body: null,
            signal: new AbortController().signal,
          });
          const warnings = logger.lines.filter(({ level }) => level === "warn");
          assert.deepEqual(warnings, [], "the cache does not work");
          return headers["authorization"]!;
        } finally {
          await authorizer.close();
          await store.close();
          http.close();
        }
      },
    });
  } finally {
    await endpoint.close();
    await elsewhere.close();
    await redis?.kill();
    await Deno.remove(stateDirectory, { recursive: true });
  }
}

Deno.test("fingerprint keeps its parts apart", () => {
  assert.match(fingerprint(["id", "secret"]), /^[0-9a-f]{32}$/);
  assert.notEqual(fingerprint(["ab", "c"]), fingerprint(["a", "bc"]));
});

for (const backend of ["kv", "redis"] as const) {
  const test = (name: string, body: (parts: Parts) => Promise<void>) => {
    const definition = { name: `${name} (${backend})`, fn: () => withCache(backend, body) };
    Deno.test(backend === "redis" ? needing(REDIS, definition) : definition);
  };

  test("A server never uses a token acquired with other credentials, and finds its own again", async ({ endpoint, elsewhere, tokenWith }) => {
    const rows: typeof changes = [
      ...changes,
      ["another token endpoint", SECRET, { TokenEndpoint: elsewhere.url }],
    ];
    for (const [name, before, change] of rows) {
      const old = await tokenWith(before);
      const asked = endpoint.requests.length + elsewhere.requests.length;
      assert.equal(await tokenWith(before), old, `${name}: the cache was not used`);
      if ("JWTPublicKey" in change) {
        // The endpoint's opaque tokens are rejected; an old cached one might not be.
        await assert.rejects(tokenWith({ ...before, ...change }), /not a signed JWT/);
      } else {
        assert.notEqual(await tokenWith({ ...before, ...change }), old, name);
      }
      assert.equal(endpoint.requests.length + elsewhere.requests.length, asked + 1, name);
      assert.equal(await tokenWith(before), old, `${name}: changed back`);
    }
  });

  test("Another server with the same credentials has a token of its own", async ({ tokenWith }) => {
    const token = await tokenWith(SECRET, "main");
    assert.notEqual(await tokenWith(SECRET, "other"), token);
  });

  test("Changes that do not affect a token leave it in use", async ({ tokenWith, endpoint }) => {
    const token = await tokenWith(SECRET);
    const alike = { ...SECRET, TokenRefreshBufferSeconds: 60, Http2: true };
    assert.equal(await tokenWith(alike), token);
    assert.equal(endpoint.requests.length, 1);
  });
}
