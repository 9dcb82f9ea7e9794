import assert from "node:assert/strict";
import type { ServerConfig } from "../../src/config/keys/server.ts";
import type {
  Authorization,
  Authorizer,
  OutboundRequest,
} from "../../src/credentials/authorizer.ts";
import { createAuthorizer } from "../../src/credentials/create_authorizer.ts";
import { TokenStore } from "../../src/credentials/cache/token_store.ts";
import { hostAndPort } from "../../src/config/values/host_names.ts";
import { HttpClient } from "../../src/network/http_client.ts";
import { createMetrics } from "../../src/telemetry/metrics.ts";
import { FakeClock } from "../fixtures/fake_clock.ts";
import { MemoryLogger } from "../fixtures/memory_logger.ts";
import { SharedTokenStore } from "../fixtures/shared_token_store.ts";
import { startTokenEndpoint, type TestTokenEndpoint } from "../fixtures/token_endpoint.ts";
import { serverConfig } from "../fixtures/token_worker.ts";
import { PACKAGE_FLAGS } from "../../deploy/deno_flags.ts";

const request: OutboundRequest = {
  method: "GET",
  url: "https://store.test/studies",
  headers: new Headers(),
  body: null,
  signal: new AbortController().signal,
};

const refusal = new Response(null, { status: 401 });

interface Parts {
  readonly endpoint: TestTokenEndpoint;
  readonly clock: FakeClock;
  readonly logger: MemoryLogger;
  create(changes?: Partial<ServerConfig>): Authorizer;
}

async function withAuthorizers(test: (parts: Parts) => Promise<void>): Promise<void> {
  const endpoint = startTokenEndpoint();
  const clock = new FakeClock();
  const metrics = createMetrics();
  const logger = new MemoryLogger();
  const http = new HttpClient({ allowlist: new Set([hostAndPort(endpoint.url)]) });
  const collaborators = { stateDirectory: "/", metrics, logger, clock };
  const store = new TokenStore(new SharedTokenStore(clock).backend, collaborators);
  const created: Authorizer[] = [];
  try {
    await test({
      endpoint,
      clock,
      logger,
      create(changes = {}) {
        const server = { ...serverConfig({ tokenEndpoint: endpoint.url }), ...changes };
        const authorizer = createAuthorizer(server, {
          ...collaborators,
          security: logger,
          http,
          store,
        });
        created.push(authorizer);
        return authorizer;
      },
    });
  } finally {
    await Promise.all(created.map((authorizer) => authorizer.close()));
    await store.close();
    http.close();
    await endpoint.close();
  }
}

Deno.test("createAuthorizer gives stores without credentials an authorizer that adds nothing", () =>
  withAuthorizers(async ({ create }) => {
    const authorizer = create({ credentials: { kind: "none" } });
    const authorization = authorizer.authorize(request);
    assert.deepEqual(authorization, { headers: {} });
    assert.equal(
      await authorizer.invalidate(authorization as Authorization, refusal),
      false,
    );
    assert.equal(authorizer.describe().kind, "none");
    await authorizer.renew();
  }));

Deno.test("createAuthorizer sends no token request before the first request", () =>
  withAuthorizers(async ({ create, endpoint, clock }) => {
    const authorizer = create();
    await clock.advance(3_600_000);
    assert.deepEqual(authorizer.describe(), {
      kind: "client_credentials",
      endpoint: endpoint.url,
      hasToken: false,
      expiresAtMs: undefined,
    });
    assert.equal(endpoint.requests.length, 0);
  }));

Deno.test("BearerAuthorizer returns the same headers object for the same token", () =>
  withAuthorizers(async ({ create, endpoint, clock }) => {
    const authorizer = create();
    const first = await authorizer.authorize(request);
    assert.deepEqual(first, { headers: { authorization: `Bearer ${endpoint.issued[0]}` } });
    assert.equal(authorizer.authorize(request), first, "a promise, or a new object");
    assert.equal(authorizer.describe().expiresAtMs, clock.now() + 300_000);
  }));

Deno.test("BearerAuthorizer replaces a rejected token, but not a newer one", () =>
  withAuthorizers(async ({ create, endpoint }) => {
    const authorizer = create();
    const first = await authorizer.authorize(request);
    assert.equal(await authorizer.invalidate(first, refusal), true);
    assert.equal(authorizer.describe().hasToken, false);
    const second = await authorizer.authorize(request);
    assert.equal(second.headers.authorization, `Bearer ${endpoint.issued[1]}`);
    assert.equal(await authorizer.invalidate(first, refusal), true);
    assert.equal(authorizer.authorize(request), second);
    assert.equal(
      await authorizer.invalidate(second, refusal),
      false,
      "fetched a moment ago",
    );
    assert.equal(authorizer.authorize(request), second);
    assert.equal(endpoint.requests.length, 2);
  }));

Deno.test("BearerAuthorizer.renew fetches a new token", () =>
  withAuthorizers(async ({ create, endpoint }) => {
    const authorizer = create();
    await authorizer.authorize(request);
    await authorizer.renew();
    const renewed = await authorizer.authorize(request);
    assert.equal(renewed.headers.authorization, `Bearer ${endpoint.issued[1]}`);
  }));

Deno.test("createAuthorizer shares tokens between equal credentials only", () =>
  withAuthorizers(async ({ create, endpoint }) => {
    const original = await create().authorize(request);
    assert.deepEqual(await create().authorize(request), original);
    assert.equal(endpoint.requests.length, 1);
    const { credentials } = serverConfig({ tokenEndpoint: endpoint.url });
    assert(credentials.kind === "client_credentials");
    const changed = create({ credentials: { ...credentials, scope: "other" } });
    assert.notDeepEqual(await changed.authorize(request), original);
    assert.notDeepEqual(await create({ name: "other" }).authorize(request), original);
    assert.equal(endpoint.requests.length, 3);
  }));

Deno.test("createAuthorizer warns of a scope that the provider leaves out, once, and serves on", () =>
  withAuthorizers(async ({ create, endpoint, logger }) => {
    const { credentials } = serverConfig({ tokenEndpoint: endpoint.url });
    assert(credentials.kind === "client_credentials");
    endpoint.answer = () =>
      Response.json({ access_token: "t", token_type: "Bearer", scope: "read" });
    const authorizer = create({ credentials: { ...credentials, scope: "read write" } });
    await authorizer.authorize(request);
    await authorizer.renew();
    assert.equal(authorizer.describe().scope, "read");
    const warnings = logger.lines.filter(({ level }) => level === "warn");
    assert.deepEqual(warnings.map(({ message }) => message), [
      'The token for server "main" lacks a requested scope: write',
    ]);
  }));

Deno.test("A scheduled renewal does not keep the process running", async () => {
  const endpoint = startTokenEndpoint();
  const worker = new URL("../fixtures/token_worker.ts", import.meta.url).href;
  const setup = JSON.stringify({
    tokenEndpoint: endpoint.url,
    cache: { backend: "memory" },
    stateDirectory: "/",
    encryptionKey: "",
  });
  const script = `const { createTokenWorker } = await import("${worker}");
    const { results } = await createTokenWorker(${setup}).ask(1);
    console.log(results.join());`;
  const output = await new Deno.Command(Deno.execPath(), {
    args: ["eval", ...PACKAGE_FLAGS, script],
    cwd: new URL("../..", import.meta.url).pathname,
    signal: AbortSignal.timeout(20_000),
  }).output();
  await endpoint.close();
  assert.equal(new TextDecoder().decode(output.stdout).trim(), `Bearer ${endpoint.issued[0]}`);
  assert.equal(output.code, 0);
});
