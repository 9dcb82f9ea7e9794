/**
 * Tokens bound to a key (RFC 9449): issued by a certified provider, used at a store that checks proofs.
 */
import assert from "node:assert/strict";
import { decodeJwt } from "jose";
import type { ClientCredentials } from "../../../src/config/schemes/oauth2/token_request.ts";
import type { Authorizer } from "../../../src/credentials/authorizer.ts";
import { clientCredentialsSource } from "../../../src/credentials/oauth2/client_credentials_source.ts";
import { systemClock } from "../../../src/network/clock.ts";
import { createAuthorizer } from "../../../src/credentials/create_authorizer.ts";
import { createTokenStore } from "../../../src/credentials/cache/create_token_store.ts";
import { DpopKey } from "../../../src/credentials/oauth2/dpop_key.ts";
import { hostAndPort } from "../../../src/config/values/host_names.ts";
import { HttpClient } from "../../../src/network/http_client.ts";
import { createMetrics } from "../../../src/telemetry/metrics.ts";
import { StoreClient, type StoreRequest } from "../../../src/upstream/store_client.ts";
import { type DpopOrigin, startDpopOrigin } from "../../fixtures/dpop_origin.ts";
import { MemoryLogger } from "../../fixtures/memory_logger.ts";
import { type OidcProvider, startOidcProvider } from "../../fixtures/oidc_provider.ts";
import { startTokenEndpoint } from "../../fixtures/token_endpoint.ts";
import { serverConfig } from "../../fixtures/token_worker.ts";
import { failureOf, never, withConnection } from "../source_harness.ts";
import { clientCredentials } from "./client_credentials.ts";

function credentials(tokenEndpoint: string): ClientCredentials {
  return clientCredentials(tokenEndpoint, { dpop: true });
}

function startProvider(dpopNonces: boolean): Promise<OidcProvider> {
  return startOidcProvider({
    dpopNonces,
  });
}

interface Setup {
  readonly provider: OidcProvider;
  readonly store: DpopOrigin;
  readonly authorizer: Authorizer;
  send(request?: Partial<StoreRequest>): Promise<number>;
}

async function withStore(nonces: boolean, body: (setup: Setup) => Promise<void>): Promise<void> {
  const provider = await startProvider(nonces);
  await using store = startDpopOrigin({ ...provider, nonces });
  const http = new HttpClient({
    allowlist: new Set([provider.issuer, store.url].map(hostAndPort)),
  });
  const collaborators = {
    stateDirectory: "/",
    metrics: createMetrics(),
    logger: new MemoryLogger(),
    clock: systemClock,
  };
  const tokens = createTokenStore({ backend: "memory" }, collaborators);
  const config = {
    ...serverConfig({ tokenEndpoint: provider.tokenEndpoint }),
    url: store.url,
    credentials: credentials(provider.tokenEndpoint),
  };
  const authorizer = createAuthorizer(config, {
    ...collaborators,
    security: collaborators.logger,
    http,
    store: tokens,
  });
  const client = new StoreClient({ config, authorizer, http, logger: collaborators.logger });
  try {
    await body({
      provider,
      store,
      authorizer,
      async send(request = {}) {
        const response = await client.send({
          method: "GET",
          target: "/studies?PatientID=1",
          headers: new Headers(),
          body: null,
          signal: never,
          ...request,
        }, () => {});
        await response.body?.cancel();
        return response.status;
      },
    });
  } finally {
    await authorizer.close();
    await tokens.close();
    http.close();
    await provider.close();
  }
}

for (const nonces of [false, true]) {
  Deno.test(`A token is bound to the key${nonces ? ", once the provider's nonce is in the proof" : ""}`, async () => {
    const provider = await startProvider(nonces);
    await withConnection([provider.issuer], async (connection) => {
      const dpop = new DpopKey(systemClock);
      const source = clientCredentialsSource(credentials(provider.tokenEndpoint), {
        ...connection,
        dpop,
      });
      const token = await source.acquire(never);
      assert.equal(token.type, "DPoP");
      assert.deepEqual(decodeJwt(token.value)["cnf"], { jkt: dpop.thumbprint });
      assert.equal(provider.tokenRequests(), nonces ? 2 : 1);
      await source.acquire(never);
      assert.equal(provider.tokenRequests(), nonces ? 3 : 2, "the nonce was forgotten");
    });
    await provider.close();
  });
}

Deno.test("A provider that rejects its own nonce is asked twice, not endlessly", async () => {
  const endpoint = startTokenEndpoint();
  let nonce = 0;
  endpoint.answer = () =>
    Response.json({ error: "use_dpop_nonce" }, {
      status: 400,
      headers: { "dpop-nonce": `n-${nonce++}` },
    });
  await withConnection([endpoint.url], async (connection) => {
    const dpop = new DpopKey(systemClock);
    const source = clientCredentialsSource(credentials(endpoint.url), { ...connection, dpop });
    assert.equal((await failureOf(source.acquire(never), ["secret"])).code, "TOK-001");
    assert.equal(endpoint.requests.length, 2);
  });
  await endpoint.close();
});

Deno.test("A token that is not bound is rejected with DPoP", async () => {
  const endpoint = startTokenEndpoint();
  await withConnection([endpoint.url], async (connection) => {
    const dpop = new DpopKey(systemClock);
    const source = clientCredentialsSource(credentials(endpoint.url), { ...connection, dpop });
    const error = await failureOf(source.acquire(never), endpoint.issued);
    assert.equal(error.code, "TOK-005");
    assert.match(error.message, /token_type "Bearer", not DPoP/);
  });
  await endpoint.close();
});

Deno.test("Tokens bound to one key are never used with another", () => {
  const http = new HttpClient({ allowlist: new Set() });
  const connection = { server: "main", http, timeoutMs: 5000, clock: systemClock };
  const prints = [undefined, new DpopKey(systemClock), new DpopKey(systemClock)].map((dpop) =>
    clientCredentialsSource(credentials("https://idp.test/token"), { ...connection, dpop })
      .fingerprint
  );
  assert.equal(new Set(prints).size, 3);
  http.close();
});

Deno.test("A store that checks proofs accepts every request: each has its own proof", () =>
  withStore(false, async ({ store, send, provider }) => {
    for (const method of ["GET", "POST", "DELETE"]) {
      const body = method === "POST" ? new Response("x").body : null;
      assert.equal(await send({ method, body }), 200, store.refusals.join());
    }
    assert.equal(provider.tokenRequests(), 1);
  }));

Deno.test("A request without the store's nonce is repeated with it, with the same token", () =>
  withStore(true, async ({ store, send, provider }) => {
    assert.equal(await send(), 200);
    assert.deepEqual(store.answered, [401, 200]);
    assert.equal(await send(), 200);
    assert.deepEqual(store.answered, [401, 200, 200]);
    assert.equal(provider.tokenRequests(), 2, "the token was dropped");
  }));

Deno.test("The nonce of any response is used from then on, so that no body is sent twice", () =>
  withStore(true, async ({ store, send }) => {
    await send();
    store.announceNonce();
    await send();
    store.expireNonces();
    assert.equal(await send({ method: "POST", body: new Response("x").body }), 200);
    assert.deepEqual(store.answered, [401, 200, 200, 200]);
  }));

Deno.test("A body streamed before the store's nonce was known fails once, with TOK-002", () =>
  withStore(true, async ({ send }) => {
    const post = () => send({ method: "POST", body: new Response("x").body });
    const error = await failureOf(post());
    assert.equal(error.code, "TOK-002");
    assert.equal(await post(), 200);
  }));

Deno.test("A bound token that the store rejects is replaced", () =>
  withStore(false, async ({ store, send, provider }) => {
    await send();
    store.revokeTokens();
    assert.equal(await send(), 200);
    assert.deepEqual(store.answered, [200, 401, 200]);
    assert.equal(provider.tokenRequests(), 2);
  }));
