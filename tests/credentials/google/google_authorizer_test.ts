import assert from "node:assert/strict";
import { createAuthorizer } from "../../../src/credentials/create_authorizer.ts";
import { createTokenStore } from "../../../src/credentials/cache/create_token_store.ts";
import { createMetrics } from "../../../src/telemetry/metrics.ts";
import { FakeClock } from "../../fixtures/fake_clock.ts";
import { startGoogleMetadata } from "../../fixtures/google_metadata.ts";
import { MemoryLogger } from "../../fixtures/memory_logger.ts";
import { serverConfig } from "../../fixtures/token_worker.ts";
import { never, withConnection } from "../source_harness.ts";

Deno.test("Requests to Google contain the token and the billed project; the token is renewed in time", async () => {
  const clock = new FakeClock();
  const fake = startGoogleMetadata({ now: () => clock.now() });
  const metrics = createMetrics();
  const logger = new MemoryLogger();
  const store = createTokenStore({ backend: "memory" }, {
    stateDirectory: "/",
    metrics,
    logger,
    clock,
  });
  await withConnection([fake.origin], async ({ http }) => {
    const server = serverConfig({ tokenEndpoint: "https://idp.test" });
    const authorizer = createAuthorizer({
      ...server,
      credentials: {
        kind: "google",
        grant: { type: "metadata", origin: fake.origin, account: "default" },
        scope: "https://www.googleapis.com/auth/cloud-healthcare",
        impersonation: undefined,
        quotaProject: "clinic-billing",
        refreshBufferMs: 300_000,
      },
    }, { http, store, stateDirectory: "/", metrics, logger, security: logger, clock });
    const request = {
      method: "GET",
      url: "https://healthcare.googleapis.com/v1/studies",
      headers: new Headers(),
      body: null,
      signal: never,
    };
    assert.deepEqual((await authorizer.authorize(request)).headers, {
      "authorization": `Bearer ${fake.issued[0]}`,
      "x-goog-user-project": "clinic-billing",
    });
    const status = authorizer.describe();
    assert.equal(status.kind, "google");
    assert.equal(
      status.endpoint,
      `${fake.origin}/computeMetadata/v1/instance/service-accounts/default/token`,
    );
    // The server makes another token only in the last five minutes.
    for (let minute = 0; minute < 120; minute++) {
      await clock.advance(60_000);
      const ready = authorizer.authorize(request);
      assert(!(ready instanceof Promise), `a request waits after ${minute} minutes`);
    }
    assert(fake.issued.length >= 2);
    assert(fake.requests.length < 20, `${fake.requests.length} requests in two hours`);
    assert(!JSON.stringify(logger.lines).includes("ya29."));
    await authorizer.close();
  }, { clock });
  await store.close();
  await fake.close();
});
