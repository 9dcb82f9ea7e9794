import assert from "node:assert/strict";
import { Hono } from "hono";
import type { Caller } from "../../src/credentials/inbound/caller.ts";
import { ClientAddress } from "../../src/gateway/client_address.ts";
import { setDestination } from "../../src/gateway/destination.ts";
import type { GatewayEnv } from "../../src/gateway/gateway_env.ts";
import { limitRate, type RateLimitOptions } from "../../src/gateway/steps/limit_rate.ts";
import { asGatewayError, problemResponse } from "../../src/gateway/problem.ts";
import { createQuotaMemory, QuotaTable } from "../../src/gateway/steps/quota_table.ts";

const LIMIT = { requests: 3, windowMs: 60_000 };

class Fixture {
  nowMs = Date.UTC(2026, 0, 1);
  handled = 0;
  readonly #memory = createQuotaMemory(() => this.nowMs);
  readonly #changes: Partial<RateLimitOptions>;
  readonly #app: Hono<GatewayEnv>;

  constructor(changes: Partial<RateLimitOptions> = {}) {
    this.#changes = changes;
    this.#app = this.worker();
  }

  worker(): Hono<GatewayEnv> {
    const app = new Hono<GatewayEnv>();
    app.use(setDestination());
    app.use(async (c, next) => {
      const subject = c.req.raw.headers.get("test-subject");
      if (subject !== null) c.set("caller", { subject, roles: [] } satisfies Caller);
      await next();
    });
    app.use(limitRate({
      table: new QuotaTable(this.#memory, () => this.nowMs),
      limit: LIMIT,
      servers: new Map(),
      addresses: new ClientAddress(["10.0.0.1"]),
      ...this.#changes,
    }));
    app.get("/dicom-web/main/broken", () => {
      throw new Error("broken");
    });
    app.all("*", () => {
      this.handled++;
      return new Response("stored", { headers: { "ratelimit": '"store";r=9;t=9' } });
    });
    app.onError((error) => problemResponse(asGatewayError(error), "id"));
    return app;
  }

  async ask(
    path: string,
    { app = this.#app, from = "192.0.2.1", headers = {} as Record<string, string> } = {},
  ): Promise<Response> {
    const env = { completed: Promise.resolve(), remoteAddr: { hostname: from } };
    const response = await app.fetch(new Request(`http://gateway${path}`, { headers }), env);
    await response.clone().body?.cancel();
    return response;
  }

  /** How many of ten requests pass. */
  async passing(path: string, how: Parameters<Fixture["ask"]>[1] = {}): Promise<number> {
    let passed = 0;
    for (let i = 0; i < 10; i++) if ((await this.ask(path, how)).status !== 429) passed++;
    return passed;
  }
}

const STUDIES = "/dicom-web/main/studies";

Deno.test("RateLimit: requests beyond the limit get 429 with Retry-After and do not reach the store", async () => {
  const fixture = new Fixture();
  assert.equal(await fixture.passing(STUDIES), 3);
  assert.equal(fixture.handled, 3);
  const refused = await fixture.ask(STUDIES);
  assert.equal((await refused.json()).error_code, "NET-012");
  assert.equal(refused.headers.get("retry-after"), "20");
  assert.equal(refused.headers.get("ratelimit"), '"dicomweb";r=0;t=60');
  fixture.nowMs += 20_000;
  assert.equal(await fixture.passing(STUDIES), 1);
});

Deno.test("RateLimit: every response has the gateway's RateLimit header in place of the store's", async () => {
  const fixture = new Fixture();
  for (const path of [STUDIES, "/dicom-web/main/broken"]) {
    const { headers } = await fixture.ask(path);
    assert.equal(headers.get("ratelimit-policy"), '"dicomweb";q=3;w=60');
    assert.match(headers.get("ratelimit") ?? "", /^"dicomweb";r=[21];t=[24]0$/);
  }
});

Deno.test("RateLimit: DICOMweb and the gateway's own pages count separately, health checks not at all", async () => {
  const fixture = new Fixture();
  assert.equal(await fixture.passing(STUDIES), 3);
  assert.equal(await fixture.passing("/dicomweb-oauth/status"), 3);
  assert.equal(await fixture.passing("/dicomweb-oauth/metrics"), 0);
  for (const path of ["/healthz", "/readyz", "/.well-known/jwks.json"]) {
    assert.equal(await fixture.passing(path), 10);
  }
});

Deno.test("RateLimit: both paths of a store and all stores count together", async () => {
  const fixture = new Fixture();
  await fixture.ask("/dicom-web/main/studies");
  await fixture.ask("/oauth-dicom-web/servers/main/studies");
  await fixture.ask("/dicom-web/other/studies");
  assert.equal(await fixture.passing(STUDIES), 0);
});

Deno.test("RateLimit: a server's own limit replaces the gateway's", async () => {
  const servers: RateLimitOptions["servers"] = new Map<string, typeof LIMIT | "unlimited">([
    ["small", { requests: 1, windowMs: 10_000 }],
    ["free", "unlimited"],
  ]);
  const fixture = new Fixture({ servers });
  assert.equal(await fixture.passing("/dicom-web/small/studies"), 1);
  assert.equal(await fixture.passing("/oauth-dicom-web/servers/small/studies"), 0);
  assert.equal(await fixture.passing("/dicom-web/free/studies"), 10);
  assert.equal(
    (await fixture.ask("/dicom-web/free/studies")).headers.get("ratelimit-policy"),
    null,
  );
  assert.equal(await fixture.passing(STUDIES), 3);
  const { headers } = await fixture.ask("/dicom-web/small/studies");
  assert.equal(headers.get("ratelimit-policy"), '"server";q=1;w=10');
});

Deno.test("RateLimit: without a limit of the gateway only servers with their own are limited", async () => {
  const fixture = new Fixture({ limit: undefined, servers: new Map([["small", LIMIT]]) });
  assert.equal(await fixture.passing(STUDIES), 10);
  assert.equal(await fixture.passing("/dicomweb-oauth/status"), 10);
  assert.equal(await fixture.passing("/dicom-web/small/studies"), 3);
});

Deno.test("RateLimit: authenticated clients are counted by identity, from any address", async () => {
  const fixture = new Fixture();
  const alice = { "test-subject": "user:alice" };
  for (let i = 0; i < 3; i++) await fixture.ask(STUDIES, { headers: alice, from: `192.0.2.${i}` });
  assert.equal(await fixture.passing(STUDIES, { headers: alice, from: "192.0.2.9" }), 0);
  assert.equal(await fixture.passing(STUDIES, { headers: { "test-subject": "key:alice" } }), 3);
});

Deno.test("RateLimit: other clients are counted by address, and only trusted proxies can forward another", async () => {
  const fixture = new Fixture();
  assert.equal(await fixture.passing(STUDIES), 3);
  for (const header of ["x-forwarded-for", "forwarded", "x-real-ip", "via"]) {
    const headers = { [header]: header === "forwarded" ? "for=198.51.100.7" : "198.51.100.7" };
    assert.equal(await fixture.passing(STUDIES, { headers }), 0, header);
  }
  const behind = (client: string) => ({ headers: { "x-forwarded-for": client }, from: "10.0.0.1" });
  assert.equal(await fixture.passing(STUDIES, behind("198.51.100.7")), 3);
  assert.equal(await fixture.passing(STUDIES, behind("1.1.1.1, 198.51.100.7")), 0);
  assert.equal(await fixture.passing(STUDIES, behind("198.51.100.8")), 3);
});

Deno.test("RateLimit: applies across all workers", async () => {
  const fixture = new Fixture();
  const workers = [fixture.worker(), fixture.worker(), fixture.worker(), fixture.worker()];
  const statuses = await Promise.all(
    Array.from({ length: 40 }, async (_, index) => {
      return (await fixture.ask(STUDIES, { app: workers[index % 4]! })).status;
    }),
  );
  assert.equal(statuses.filter((status) => status === 200).length, 3);
});

Deno.test("RateLimit: a WebSocket handshake counts, and its response is not modified", async () => {
  const fixture = new Fixture();
  const headers = { upgrade: "websocket", connection: "upgrade" };
  const response = await fixture.ask("/dicom-web/main/ws", { headers });
  assert.equal(response.headers.get("ratelimit-policy"), null);
  assert.equal(await fixture.passing(STUDIES), 2);
});
