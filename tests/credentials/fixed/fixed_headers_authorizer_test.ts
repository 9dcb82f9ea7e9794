import assert from "node:assert/strict";
import { Secret } from "../../../src/config/values/secret.ts";
import type { CredentialsConfig } from "../../../src/config/schemes/schemes.ts";
import { createAuthorizer } from "../../../src/credentials/create_authorizer.ts";
import { createTokenStore } from "../../../src/credentials/cache/create_token_store.ts";
import { basicAuthorization } from "../../../src/credentials/fixed/fixed_headers_authorizer.ts";
import { createMetrics } from "../../../src/telemetry/metrics.ts";
import { MemoryLogger } from "../../fixtures/memory_logger.ts";
import { serverConfig } from "../../fixtures/token_worker.ts";
import { never } from "../source_harness.ts";

const rows: readonly (readonly [CredentialsConfig, Record<string, string>])[] = [
  [{ kind: "static_token", token: new Secret("s3cret") }, { authorization: "Bearer s3cret" }],
  [
    { kind: "basic", username: "ärztin", password: new Secret("s3cret:£") },
    { authorization: "Basic w6RyenRpbjpzM2NyZXQ6wqM=" },
  ],
  [
    {
      kind: "headers",
      headers: { "x-api-key": new Secret("s3cret"), "x-tenant": new Secret("a") },
    },
    { "x-api-key": "s3cret", "x-tenant": "a" },
  ],
  [{ kind: "none" }, {}],
];
for (const [credentials, headers] of rows) {
  Deno.test(`Every request is signed by ${credentials.kind} with the credential of the configuration`, async () => {
    const metrics = createMetrics();
    const logger = new MemoryLogger();
    const store = createTokenStore({ backend: "memory" }, { stateDirectory: "/", metrics, logger });
    const server = { ...serverConfig({ tokenEndpoint: "https://idp.test" }), credentials };
    const http = { send: () => Promise.reject(new Error("nobody is to be asked")) };
    const authorizer = createAuthorizer(server, {
      http,
      store,
      stateDirectory: "/",
      metrics,
      logger,
      security: logger,
    });
    const request = {
      method: "GET",
      url: "https://store.test/studies",
      headers: new Headers(),
      body: null,
      signal: never,
    };
    const authorization = await authorizer.authorize(request);
    assert.deepEqual(authorization, { headers });
    // The runtime takes them as they are.
    for (const [name, value] of Object.entries(headers)) {
      assert.equal(new Headers(authorization.headers).get(name), value);
    }
    assert.equal(
      await authorizer.invalidate(authorization, new Response(null, { status: 401 })),
      false,
    );
    await authorizer.renew();
    assert.equal(await authorizer.authorize(request), authorization);
    assert.deepEqual(authorizer.describe(), {
      kind: credentials.kind,
      endpoint: undefined,
      hasToken: credentials.kind !== "none",
      expiresAtMs: undefined,
    });
    assert(!JSON.stringify(logger.lines).includes("s3cret"));
    await authorizer.close();
    await store.close();
  });
}

/** RFC 7617, sections 2 and 2.1. */
const vectors = [
  ["Aladdin", "open sesame", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="],
  ["test", "123£", "Basic dGVzdDoxMjPCow=="],
] as const;
for (const [username, password, header] of vectors) {
  Deno.test(`basicAuthorization encodes ${username} and ${password} as RFC 7617 does`, () => {
    assert.equal(basicAuthorization(username, password), header);
  });
}
