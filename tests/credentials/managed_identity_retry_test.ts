/**
 * When Azure's metadata service is asked again, and when not: the rules of Microsoft's document, with the
 * token manager that keeps them.
 */
import assert from "node:assert/strict";
import { createAuthorizer } from "../../src/credentials/create_authorizer.ts";
import type { Authorizer } from "../../src/credentials/authorizer.ts";
import { createTokenStore } from "../../src/credentials/cache/create_token_store.ts";
import { createMetrics } from "../../src/telemetry/metrics.ts";
import { type FakeIdentityService, startImds } from "../fixtures/azure_identity_services.ts";
import { FakeClock } from "../fixtures/fake_clock.ts";
import { MemoryLogger } from "../fixtures/memory_logger.ts";
import { serverConfig } from "../fixtures/token_worker.ts";
import { failureOf, never, withConnection } from "./source_harness.ts";

const request = {
  method: "GET",
  url: "https://store.test/studies",
  headers: new Headers(),
  body: null,
  signal: never,
};

interface Parts {
  readonly imds: FakeIdentityService;
  readonly clock: FakeClock;
  readonly authorizer: Authorizer;
  /** Waits for a promise while time passes. */
  passing<T>(promise: Promise<T>): Promise<T>;
}

async function withAuthorizer(test: (parts: Parts) => Promise<void>): Promise<void> {
  const clock = new FakeClock();
  const imds = startImds({ now: () => clock.now() });
  const metrics = createMetrics();
  const logger = new MemoryLogger();
  const store = createTokenStore({ backend: "memory" }, {
    stateDirectory: "/",
    metrics,
    logger,
    clock,
  });
  await withConnection([imds.url], async ({ http }) => {
    const server = serverConfig({ tokenEndpoint: "https://idp.test" });
    const { resilience } = server;
    const authorizer = createAuthorizer({
      ...server,
      // The test's clock runs ahead of the real connection.
      timeouts: { ...server.timeouts, tokenMs: 3_600_000 },
      resilience: {
        ...resilience,
        retry: {
          ...resilience.retry,
          maxAttempts: 5,
          strategy: "exponential",
          initialDelayMs: 2000,
          multiplier: 2,
          maxDelayMs: 60_000,
        },
      },
      credentials: {
        kind: "azure_managed_identity",
        service: { platform: "vm", endpoint: imds.url },
        resource: "https://dicom.healthcareapis.azure.com",
        identity: undefined,
        refreshBufferMs: 300_000,
      },
    }, { http, store, stateDirectory: "/", metrics, logger, security: logger, clock });
    try {
      await test({
        imds,
        clock,
        authorizer,
        async passing(promise) {
          let settled = false;
          const watched = promise.finally(() => settled = true);
          watched.catch(() => {});
          for (let second = 0; second < 120 && !settled; second++) await clock.advance(1000);
          return await watched;
        },
      });
    } finally {
      await authorizer.close();
    }
  }, { clock });
  await store.close();
  await imds.close();
}

Deno.test("A metadata service that is updated or throttled is asked again until it answers", () =>
  withAuthorizer(async ({ imds, authorizer, passing }) => {
    const failures = [404, 410, 429, 500];
    imds.answer = () => {
      const status = failures.shift();
      if (failures.length === 0) imds.answer = undefined;
      return new Response("", { status: status ?? 500 });
    };
    const { headers } = await passing(Promise.resolve(authorizer.authorize(request)));
    assert.equal(headers.authorization, `Bearer ${imds.issued[0]}`);
    assert.equal(imds.requests.length, 5);
  }));

for (const status of [400, 401, 403]) {
  Deno.test(`A metadata service that answers ${status} is not asked again`, () =>
    withAuthorizer(async ({ imds, authorizer, passing }) => {
      imds.answer = () => Response.json({ error: "invalid_request" }, { status });
      await failureOf(passing(Promise.resolve(authorizer.authorize(request))));
      assert.equal(imds.requests.length, 1);
    }));
}

Deno.test("No request notices an update of the metadata service while a token is at hand", () =>
  withAuthorizer(async ({ imds, clock, authorizer, passing }) => {
    await passing(Promise.resolve(authorizer.authorize(request)));
    const dayMs = 86_400_000;
    await clock.advance(dayMs - 240_000);
    imds.answer = () => new Response("", { status: 410 });
    await clock.advance(70_000);
    assert(!(authorizer.authorize(request) instanceof Promise));
    imds.answer = undefined;
    await clock.advance(170_000);
    const ready = await passing(Promise.resolve(authorizer.authorize(request)));
    assert.equal(ready.headers.authorization, `Bearer ${imds.issued[1]}`);
  }));
