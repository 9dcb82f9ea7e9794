import assert from "node:assert/strict";
import { createAuthorizer } from "../../../src/credentials/create_authorizer.ts";
import { originHeaders } from "../../../src/credentials/oauth2/origin_headers.ts";
import { TokenStore } from "../../../src/credentials/cache/token_store.ts";
import { discoveryOf } from "../../../src/config/schemes/oauth2/discovery.ts";
import { hostAndPort } from "../../../src/config/values/host_names.ts";
import { Secret } from "../../../src/config/values/secret.ts";
import { HttpClient } from "../../../src/network/http_client.ts";
import { createMetrics } from "../../../src/telemetry/metrics.ts";
import { FakeClock } from "../../fixtures/fake_clock.ts";
import { makeIssuerKey, signToken } from "../../fixtures/jwt_issuer.ts";
import { serveLoopback } from "../../fixtures/listening.ts";
import { MemoryLogger } from "../../fixtures/memory_logger.ts";
import { parsedServer } from "../../fixtures/parsed_server.ts";
import { SharedTokenStore } from "../../fixtures/shared_token_store.ts";
import { failureOf, never } from "../source_harness.ts";

const KEY = "k3y-of-apim";
const HEADER = "ocp-apim-subscription-key";

/** A provider behind an API gateway, and what each request had in place of the gateway's key. */
async function withProvider(
  test: (parts: {
    readonly url: string;
    readonly keys: Map<string, string | null>;
    acquire(section: Record<string, unknown>): Promise<unknown>;
  }) => Promise<void>,
): Promise<void> {
  const key = await makeIssuerKey("RS256", "1");
  const keys = new Map<string, string | null>();
  const clock = new FakeClock();
  const { url, close } = serveLoopback(async (request) => {
    const { pathname } = new URL(request.url);
    keys.set(pathname, request.headers.get(HEADER));
    if (request.headers.get(HEADER) !== KEY) {
      return Response.json({ message: `Not the key ${request.headers.get(HEADER)}` }, {
        status: 401,
      });
    }
    switch (pathname) {
      case "/.well-known/openid-configuration":
        return Response.json({
          issuer: url,
          token_endpoint: `${url}/token`,
          jwks_uri: `${url}/keys`,
        });
      case "/.well-known/smart-configuration":
        return Response.json({ token_endpoint: `${url}/token` });
      case "/keys":
        return Response.json({ keys: [key.publicJwk] });
    }
    const nowS = Math.floor(clock.now() / 1000);
    const access_token = await signToken(key, { iss: url, exp: nowS + 3600, aud: "store" });
    return Response.json({ access_token, token_type: "Bearer", expires_in: 3600 });
  });
  const metrics = createMetrics();
  const logger = new MemoryLogger();
  const http = new HttpClient({
    allowlist: new Set([url, url.replace("127.0.0.1", "localhost")].map(hostAndPort)),
  });
  const collaborators = { stateDirectory: "/", metrics, logger, clock };
  const store = new TokenStore(new SharedTokenStore(clock).backend, collaborators);
  try {
    await test({
      url,
      keys,
      async acquire(section) {
        const server = await parsedServer({
          ClientId: "gateway",
          ClientSecret: "secret",
          TokenHeaders: { [HEADER]: KEY },
          ...section,
        });
        const authorizer = createAuthorizer(server, {
          ...collaborators,
          security: logger,
          http,
          store,
        });
        try {
          await authorizer.renew(never);
        } finally {
          await authorizer.close();
        }
      },
    });
  } finally {
    await store.close();
    http.close();
    await close();
  }
}

Deno.test("TokenHeaders accompany discovery and the key set at the token endpoint's origin", () =>
  withProvider(async ({ url, keys, acquire }) => {
    await acquire({ Issuer: url, EnableJWTValidation: true, JWTAudience: "store" });
    assert.deepEqual(Object.fromEntries(keys), {
      "/.well-known/openid-configuration": KEY,
      "/token": KEY,
      "/keys": KEY,
    });
  }));

Deno.test("TokenHeaders are not sent to a discovery document whose token endpoint may be elsewhere, nor repeated by its refusal", () =>
  withProvider(async ({ url, keys, acquire }) => {
    const acquired = acquire({ Issuer: url, AllowedHosts: ["tokens.example"] });
    const error = await failureOf(acquired, [KEY]);
    assert.equal(error.code, "TOK-001");
    assert.equal(keys.get("/.well-known/openid-configuration"), null);
  }));

Deno.test("TokenHeaders are not sent to a key set at another origin", () =>
  withProvider(async ({ url, keys, acquire }) => {
    const other = url.replace("127.0.0.1", "localhost");
    await failureOf(
      acquire({ TokenEndpoint: `${url}/token`, JWKSUri: `${other}/keys`, JWTAudience: "store" }),
      [KEY],
    );
    assert.deepEqual(Object.fromEntries(keys), { "/keys": null });
  }));

Deno.test("TokenHeaders: an answer of the discovery document that repeats them is masked", () =>
  withProvider(async ({ url, acquire }) => {
    const wrong = "wr0ng-k3y";
    const acquired = acquire({ Issuer: url, TokenHeaders: { [HEADER]: wrong } });
    const error = await failureOf(acquired, [wrong]);
    assert.match(error.message, /answered 401 \(Not the key \[hidden\]\)$/);
  }));

const headers = { [HEADER]: new Secret(KEY) };
const idp = "https://idp.example";

/** The token endpoint, and the origin that gets the headers with any request. */
const RULES: readonly [endpoint: Parameters<typeof originHeaders>[0]["tokenEndpoint"], string?][] =
  [
    [`${idp}/oauth2/token?a=b`, idp],
    ["http://idp.example:8080/token", "http://idp.example:8080"],
    [discoveryOf("issuer", `${idp}/realms/a`), idp],
    [discoveryOf("smart", `${idp}/fhir`), idp],
    [discoveryOf("issuer", idp, ["idp.example"]), idp],
    [discoveryOf("issuer", idp, ["tokens.example"])],
    [discoveryOf("issuer", idp, ["idp.example:8443"])],
  ];
for (const [tokenEndpoint, origin] of RULES) {
  Deno.test(`originHeaders: ${JSON.stringify(tokenEndpoint)} has ${origin ?? "no origin"}`, () => {
    assert.equal(originHeaders({ tokenEndpoint, tokenHeaders: headers })?.origin, origin);
    assert.equal(originHeaders({ tokenEndpoint, tokenHeaders: {} }), undefined);
  });
}
