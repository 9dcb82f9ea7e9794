/**
 * Token validation by each configuration key, from the token request to the `Authorization` header.
 */
import assert from "node:assert/strict";
import { networkAllowlist } from "../../../src/config/sandbox/contacts.ts";
import type { Authorizer } from "../../../src/credentials/authorizer.ts";
import { systemClock } from "../../../src/network/clock.ts";
import { createAuthorizer } from "../../../src/credentials/create_authorizer.ts";
import { TokenStore } from "../../../src/credentials/cache/token_store.ts";
import { GatewayError } from "../../../src/errors/gateway_error.ts";
import { HttpClient } from "../../../src/network/http_client.ts";
import { createMetrics } from "../../../src/telemetry/metrics.ts";
import { parseSection } from "../../config/memory_files.ts";
import { FakeClock } from "../../fixtures/fake_clock.ts";
import {
  type IssuerKey,
  type KeyServer,
  makeIssuerKey,
  signToken,
  startKeyServer,
} from "../../fixtures/jwt_issuer.ts";
import { MemoryLogger } from "../../fixtures/memory_logger.ts";
import { startOidcProvider } from "../../fixtures/oidc_provider.ts";
import { SharedTokenStore } from "../../fixtures/shared_token_store.ts";
import { startTokenEndpoint, type TestTokenEndpoint } from "../../fixtures/token_endpoint.ts";

const request = {
  method: "GET",
  url: "https://store.test/studies",
  headers: new Headers(),
  body: null,
  signal: new AbortController().signal,
};

const key = await makeIssuerKey("RS256", "k1");
const strangerKey = await makeIssuerKey("RS256", "k1");

interface Parts {
  readonly clock: FakeClock;
  readonly endpoint: TestTokenEndpoint;
  readonly keyServer: KeyServer;
  readonly store: SharedTokenStore;
  readonly logger: MemoryLogger;
  readonly security: MemoryLogger;
  /** A worker or replica with further configuration keys of the server. */
  worker(keys: Readonly<Record<string, unknown>>): Promise<Authorizer>;
  /** Makes the endpoint issue tokens with these claims. */
  issue(claims?: Readonly<Record<string, unknown>>, by?: IssuerKey): void;
}

async function withParts(test: (parts: Parts) => Promise<void>): Promise<void> {
  const clock = new FakeClock();
  const endpoint = startTokenEndpoint();
  await using keyServer = startKeyServer(key);
  const store = new SharedTokenStore(clock);
  const logger = new MemoryLogger();
  const security = new MemoryLogger();
  const metrics = createMetrics();
  const tokenStore = new TokenStore(store.backend, { metrics, logger, clock });
  const closing: (() => Promise<void> | void)[] = [];
  const issue: Parts["issue"] = (claims = {}, by = key) =>
    endpoint.answer = async () => {
      const exp = Math.floor(clock.now() / 1000) + 300;
      const good = { iss: keyServer.url, aud: "store", exp, jti: crypto.randomUUID() };
      const token = await signToken(by, { ...good, ...claims });
      return Response.json({ access_token: token, token_type: "Bearer", expires_in: 300 });
    };
  issue();
  try {
    await test({
      clock,
      endpoint,
      keyServer,
      store,
      logger,
      security,
      issue,
      async worker(keys) {
        const config = await parseSection({
          Servers: {
            main: {
              Url: "https://store.test",
              ...endpoint.serverKeys,
              JWTAudience: "store",
              ...keys,
            },
          },
        });
        const http = new HttpClient({ allowlist: new Set(networkAllowlist(config)) });
        const authorizer = createAuthorizer(config.servers.get("main")!, {
          http,
          store: tokenStore,
          stateDirectory: "/",
          metrics,
          logger,
          security,
          clock,
        });
        closing.push(() => authorizer.close(), () => http.close());
        return authorizer;
      },
    });
  } finally {
    for (const close of closing) await close();
    await endpoint.close();
  }
}

async function tokenOf(authorizer: Authorizer): Promise<string> {
  const { headers } = await authorizer.authorize(request);
  return headers["authorization"]!.replace("Bearer ", "");
}

async function failureOf(promise: Promise<unknown>): Promise<GatewayError> {
  const error = await promise.then(() => undefined, (error: unknown) => error);
  assert(error instanceof GatewayError, `no GatewayError: ${error}`);
  return error;
}

const sources: [name: string, keys: (url: string) => Record<string, unknown>][] = [
  ["JWTPublicKey", () => ({ JWTPublicKey: JSON.stringify(key.publicJwk) })],
  ["JWKSUri", (url) => ({ JWKSUri: `${url}/keys` })],
  ["the metadata of JWTIssuer", (url) => ({ JWTIssuer: url, EnableJWTValidation: true })],
];

for (const [name, keys] of sources) {
  Deno.test(`With ${name} a valid token is used`, () =>
    withParts(async ({ worker, keyServer, endpoint, security }) => {
      const token = await tokenOf(await worker(keys(keyServer.url)));
      assert.equal(token.split(".").length, 3);
      assert.equal(endpoint.requests.length, 1);
      assert.deepEqual(security.lines, []);
    }));

  Deno.test(`With ${name} a forged token is neither used nor cached, and is a security event`, () =>
    withParts(async ({ worker, keyServer, endpoint, issue, security, logger, store }) => {
      issue({ sub: "attacker" }, strangerKey);
      const authorizer = await worker(keys(keyServer.url));
      const error = await failureOf(tokenOf(authorizer));
      assert.equal(error.code, "TOK-004");
      assert.equal(error.status, 502);
      assert.match(error.message, /its signature does not match the issuer's key$/);
      assert.equal(authorizer.describe().hasToken, false);
      assert.deepEqual(store.stored, []);

      assert.equal(security.lines.length, 1);
      const { level, fields } = security.lines[0]!;
      assert.equal(level, "error");
      assert.deepEqual(fields, {
        event_type: "token_validation_failure",
        error_code: "TOK-004",
        server: "main",
        endpoint: endpoint.url,
        from: "identity provider",
        reason: "its signature does not match the issuer's key",
      });
      const output = `${error.message} ${JSON.stringify([...security.lines, ...logger.lines])}`;
      assert.doesNotMatch(output, /eyJ|attacker/);
    }));
}

Deno.test("Keys are fetched from the jwks_uri of the provider's metadata", () =>
  withParts(async ({ worker, keyServer }) => {
    await tokenOf(await worker({ JWTIssuer: keyServer.url, EnableJWTValidation: true }));
    assert.deepEqual(keyServer.requests, ["/.well-known/openid-configuration", "/keys"]);
  }));

const documents: [name: string, document: (url: string) => unknown, code: string][] = [
  ["of another issuer", (url) => ({ issuer: `${url}/`, jwks_uri: `${url}/keys` }), "TOK-001"],
  ["without jwks_uri", (url) => ({ issuer: url }), "TOK-001"],
  ["with a jwks_uri that is no URL", (url) => ({ issuer: url, jwks_uri: "/keys" }), "TOK-001"],
  [
    "with a jwks_uri at another host",
    (url) => ({ issuer: url, jwks_uri: "https://evil.test/keys" }),
    "NET-008",
  ],
  [
    "with a jwks_uri at another port",
    (url) => ({ issuer: url, jwks_uri: "http://127.0.0.1:1/keys" }),
    "NET-008",
  ],
  [
    "with a jwks_uri at the store's host, which is no host of the provider",
    (url) => ({ issuer: url, jwks_uri: "https://store.test/keys" }),
    "NET-008",
  ],
];

for (const [name, document, code] of documents) {
  Deno.test(`A metadata document ${name} fails with ${code} before a token is requested`, () =>
    withParts(async ({ worker, keyServer, endpoint }) => {
      keyServer.answer = () => Response.json(document(keyServer.url));
      const authorizer = await worker({ JWTIssuer: keyServer.url, EnableJWTValidation: true });
      const error = await failureOf(tokenOf(authorizer));
      assert.equal(error.code, code);
      assert.match(error.message, /the discovery document of http:\/\/127.0.0.1:\d+ names/);
      assert.equal(endpoint.requests.length, 0);
    }));
}

Deno.test("Without keys no token is requested, however often the request is retried", () =>
  withParts(async ({ worker, keyServer, endpoint, security, clock }) => {
    keyServer.answer = () => new Response(null, { status: 503 });
    const authorizer = await worker({ JWKSUri: `${keyServer.url}/keys` });
    const failing = failureOf(tokenOf(authorizer));
    await clock.advance(60_000);
    const error = await failing;
    assert.equal(error.code, "AUTH-003");
    assert(error.entry.retryAfterSeconds !== undefined);
    assert.equal(endpoint.requests.length, 0);
    assert.deepEqual(security.lines, [], "an unavailable provider is no attack");
    keyServer.answer = undefined;
    await tokenOf(authorizer);
    assert.equal(endpoint.requests.length, 1);
  }));

Deno.test("A provider of invalid tokens does not get a token request per request", () =>
  withParts(async ({ worker, keyServer, endpoint, issue, clock, security }) => {
    issue({}, strangerKey);
    const authorizer = await worker({
      JWKSUri: `${keyServer.url}/keys`,
      ResilienceConfig: { RetryMaxAttempts: 5 },
    });
    for (let second = 0; second < 60; second++) {
      for (let i = 0; i < 20; i++) {
        assert.equal((await failureOf(tokenOf(authorizer))).code, "TOK-004");
      }
      await clock.advance(1000);
    }
    assert.equal(endpoint.requests.length, 60 / 5);
    assert.equal(security.lines.length, 60 / 5);
  }));

Deno.test("After an invalid renewal the current token stays in use until it expires", () =>
  withParts(async ({ worker, keyServer, endpoint, issue, clock, security }) => {
    const authorizer = await worker({
      JWKSUri: `${keyServer.url}/keys`,
      TokenRefreshBufferSeconds: 60,
    });
    const good = await tokenOf(authorizer);
    issue({ aud: "another store" });
    await clock.advance(290_000);
    assert.equal(await tokenOf(authorizer), good);
    assert(endpoint.requests.length > 1);
    assert.deepEqual(
      [security.lines[0]?.fields["claim"], security.lines[0]?.fields["found"]],
      ["aud", '"another store"'],
    );
    await clock.advance(20_000);
    assert.equal((await failureOf(tokenOf(authorizer))).code, "TOK-004");
    issue();
    await clock.advance(5000);
    assert.notEqual(await tokenOf(authorizer), good);
  }));

Deno.test("A key rotation is noticed with the first token signed by the new key", () =>
  withParts(async ({ worker, keyServer, issue, clock }) => {
    const authorizer = await worker({ JWKSUri: `${keyServer.url}/keys` });
    await tokenOf(authorizer);
    const next = await makeIssuerKey("RS256", "k2");
    keyServer.keys = [next];
    issue({}, next);
    await clock.advance(60_000);
    await authorizer.renew();
  }));

Deno.test("A token cached without validation, or validated by other rules, is not found in the cache", () =>
  withParts(async ({ worker, keyServer, endpoint, issue }) => {
    issue({ aud: "another store" });
    await tokenOf(await worker({ JWTAudience: undefined }));
    const checking = await worker({ JWKSUri: `${keyServer.url}/keys`, JWTAudience: "store" });
    assert.equal((await failureOf(tokenOf(checking))).code, "TOK-004");
    await tokenOf(await worker({ JWKSUri: `${keyServer.url}/keys`, JWTAudience: "another store" }));
    assert.equal(endpoint.requests.length, 3);
  }));

Deno.test("A cached token is validated again: after its key was withdrawn it is not used", () =>
  withParts(async ({ worker, keyServer, endpoint, issue, security }) => {
    const keys = { JWKSUri: `${keyServer.url}/keys` };
    const cached = await tokenOf(await worker(keys));
    assert.equal(await tokenOf(await worker(keys)), cached);
    assert.equal(endpoint.requests.length, 1);
    const next = await makeIssuerKey("RS256", "k2");
    keyServer.keys = [next];
    issue({}, next);
    assert.notEqual(await tokenOf(await worker(keys)), cached);
    assert.equal(endpoint.requests.length, 2);
    assert.deepEqual(security.lines.map(({ fields }) => fields["from"]), ["token cache"]);
  }));

Deno.test("A cached token is used while the provider's keys are unavailable", () =>
  withParts(async ({ worker, keyServer, endpoint, security }) => {
    const keys = { JWKSUri: `${keyServer.url}/keys` };
    const cached = await tokenOf(await worker(keys));
    keyServer.answer = () => new Response(null, { status: 503 });
    assert.equal(await tokenOf(await worker(keys)), cached);
    assert.equal(endpoint.requests.length, 1);
    assert.deepEqual(security.lines, []);
  }));

Deno.test("An opaque token fails with its remedy", () =>
  withParts(async ({ worker, keyServer, endpoint }) => {
    endpoint.answer = undefined;
    const authorizer = await worker({ JWKSUri: `${keyServer.url}/keys` });
    const { code, message, troubleshooting } = await failureOf(tokenOf(authorizer));
    assert.equal(code, "TOK-004");
    assert.match(message, /it is not a signed JWT: opaque and encrypted tokens cannot be checked$/);
    assert.match(troubleshooting[0] ?? "", /JWT access tokens .* or remove JWTPublicKey, JWKSUri/);
    assert(!message.includes(endpoint.issued[0]!.slice(0, 8)));
  }));

Deno.test("DisableJWTValidation uses every token, and fetches no keys", () =>
  withParts(async ({ worker, keyServer, issue }) => {
    issue({ aud: "another store" }, strangerKey);
    await tokenOf(await worker({ JWKSUri: `${keyServer.url}/keys`, DisableJWTValidation: true }));
    assert.deepEqual(keyServer.requests, []);
  }));

Deno.test("Tokens of oidc-provider are valid by its metadata, for the right audience and issuer only", async () => {
  const provider = await startOidcProvider();
  const logger = new MemoryLogger();
  const metrics = createMetrics();
  const ask = async (keys: Readonly<Record<string, unknown>>) => {
    const config = await parseSection({
      Servers: {
        main: {
          Url: "https://store.test",
          Issuer: provider.issuer,
          ClientId: "gateway",
          ClientSecret: "secret",
          Scope: "dicom",
          EnableJWTValidation: true,
          ...keys,
        },
      },
    });
    const clock = systemClock;
    const http = new HttpClient({ allowlist: new Set(networkAllowlist(config)) });
    const store = new TokenStore(undefined, { metrics, logger, clock });
    const collaborators = { metrics, logger, security: logger, clock };
    const authorizer = createAuthorizer(config.servers.get("main")!, {
      ...collaborators,
      http,
      store,
      stateDirectory: "/",
    });
    try {
      return await tokenOf(authorizer).then(() => "passes", (error: GatewayError) => error.message);
    } finally {
      await authorizer.close();
      http.close();
    }
  };
  try {
    assert.equal(await ask({ JWTAudience: provider.audience }), "passes");
    assert.match(await ask({ JWTAudience: "https://other.test" }), /its claim aud does not have/);
    assert.match(
      await ask({ JWTIssuer: "https://other.test" }),
      /its claim iss does not have the expected value/,
    );
    assert.match(await ask({ JWTAlgorithms: ["ES256"] }), /its algorithm RS256 is not among/);
  } finally {
    await provider.close();
  }
});
