import assert from "node:assert/strict";
import { decodeJwt } from "jose";
import { generateKeyPairSync } from "node:crypto";
import type { DiscoveryConfig } from "../../../src/config/schemes/oauth2/discovery.ts";
import type { ClientCredentials } from "../../../src/config/schemes/oauth2/token_request.ts";
import { readPrivateKey, signingKey } from "../../../src/config/values/signing_key.ts";
import { clientCredentialsSource } from "../../../src/credentials/oauth2/client_credentials_source.ts";
import type { ProviderConnection } from "../../../src/credentials/provider_exchange.ts";
import {
  discoveryUrls,
  TokenEndpointDiscovery,
} from "../../../src/credentials/oauth2/token_endpoint_discovery.ts";
import { hostAndPort } from "../../../src/config/values/host_names.ts";
import { FakeClock } from "../../fixtures/fake_clock.ts";
import { startOidcProvider } from "../../fixtures/oidc_provider.ts";
import { startTokenEndpoint } from "../../fixtures/token_endpoint.ts";
import { type ConnectionOptions, failureOf, never, withConnection } from "../source_harness.ts";
import { clientCredentials } from "./client_credentials.ts";

const HOUR_MS = 60 * 60 * 1000;
const OPENID = "/.well-known/openid-configuration";

interface Setup {
  /** Responses of the provider, by path; 404 for others. */
  readonly documents: Map<string, () => Response | Promise<Response>>;
  /** Paths of the requests so far. */
  readonly asked: string[];
  readonly issuer: string;
  readonly connection: ProviderConnection;
  discovery(changes?: Partial<DiscoveryConfig>): TokenEndpointDiscovery;
}

async function withDiscovery(
  body: (setup: Setup) => Promise<void>,
  options: ConnectionOptions = {},
): Promise<void> {
  const documents: Setup["documents"] = new Map();
  const asked: string[] = [];
  const stop = new AbortController();
  const listen = { hostname: "127.0.0.1", port: 0, signal: stop.signal, onListen() {} };
  const server = Deno.serve(listen, (request) => {
    const { pathname } = new URL(request.url);
    asked.push(pathname);
    return documents.get(pathname)?.() ?? new Response("not found", { status: 404 });
  });
  const issuer = `http://127.0.0.1:${server.addr.port}`;
  await withConnection([issuer], (connection) =>
    body({
      documents,
      asked,
      issuer,
      connection,
      discovery: (changes = {}) =>
        new TokenEndpointDiscovery({
          ...connection,
          configured: {
            kind: "issuer",
            url: issuer,
            allowedHosts: [hostAndPort(issuer)],
            ...changes,
          },
          mutualTls: false,
        }),
    }), options);
  stop.abort();
  await server.finished;
}

const metadata = (issuer: string, path = "/token") => () =>
  Response.json({ issuer, token_endpoint: issuer + path });

const places: [config: Omit<DiscoveryConfig, "allowedHosts">, urls: string[]][] = [
  [{ kind: "issuer", url: "https://idp.test" }, [
    "https://idp.test/.well-known/openid-configuration",
    "https://idp.test/.well-known/oauth-authorization-server",
  ]],
  [{ kind: "issuer", url: "https://tenant.auth0.test/" }, [
    "https://tenant.auth0.test/.well-known/openid-configuration",
    "https://tenant.auth0.test/.well-known/oauth-authorization-server",
  ]],
  [{ kind: "issuer", url: "https://idp.test:8443/a/b" }, [
    "https://idp.test:8443/a/b/.well-known/openid-configuration",
    "https://idp.test:8443/.well-known/oauth-authorization-server/a/b",
  ]],
  [{ kind: "smart", url: "https://ehr.test/fhir/r4/" }, [
    "https://ehr.test/fhir/r4/.well-known/smart-configuration",
  ]],
];
for (const [config, urls] of places) {
  Deno.test(`discoveryUrls lists the documents of ${config.kind} ${config.url}`, () => {
    assert.deepEqual(discoveryUrls({ ...config, allowedHosts: [] }), urls);
  });
}

Deno.test("An issuer replaces the token endpoint, and is the audience of assertions", async () => {
  const pem = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey
    .export({ format: "pem", type: "pkcs8" });
  const key = signingKey(readPrivateKey(String(pem)).key!, "ES256", undefined);
  const provider = await startOidcProvider({
    clients: [{
      clientId: "gateway",
      authMethod: "private_key_jwt",
      metadata: { jwks: { keys: [key.publicJwk] } },
    }],
  });
  const sent: URLSearchParams[] = [];
  await withConnection([provider.issuer], async (connection) => {
    const http: ProviderConnection["http"] = {
      send(url, init) {
        if (init?.method === "POST") sent.push(new URLSearchParams(String(init.body)));
        return connection.http.send(url, init);
      },
    };
    const source = clientCredentialsSource({
      ...clientCredentials({
        kind: "issuer",
        url: provider.issuer,
        allowedHosts: [hostAndPort(provider.issuer)],
      }),
      clientAuthentication: {
        method: "private_key_jwt",
        keys: [key],
        assertion: { audience: undefined, lifetimeSeconds: 60 },
      },
    }, { ...connection, http });
    assert.equal(source.endpoint, provider.issuer);
    await source.acquire(never);
    assert.equal(source.endpoint, provider.tokenEndpoint);
    assert.equal(decodeJwt(sent[0]?.get("client_assertion") ?? "").aud, provider.issuer);
  });
  await provider.close();
});

Deno.test("Without an OpenID document, that of RFC 8414 is read", () =>
  withDiscovery(async ({ documents, discovery, issuer, asked }) => {
    const url = `${issuer}/r`;
    documents.set("/.well-known/oauth-authorization-server/r", metadata(url));
    assert.deepEqual(await discovery({ url }).locate(never), {
      tokenEndpoint: `${url}/token`,
      issuer: url,
    });
    assert.deepEqual(asked, [
      "/r/.well-known/openid-configuration",
      "/.well-known/oauth-authorization-server/r",
    ]);
  }));

Deno.test("A secret is not sent to the endpoint of another issuer or host", async () => {
  const endpoint = startTokenEndpoint();
  await withDiscovery(async ({ documents, issuer, connection }) => {
    const http: ProviderConnection["http"] = {
      // Even if the allowlist, which all servers share, has the host.
      send: (url, init) =>
        url === endpoint.url ? fetch(url, init) : connection.http.send(url, init),
    };
    const config = (hosts: string[]): DiscoveryConfig => ({
      kind: "issuer",
      url: issuer,
      allowedHosts: [hostAndPort(issuer), ...hosts],
    });
    const source = (hosts: string[]) =>
      clientCredentialsSource(clientCredentials(config(hosts)), { ...connection, http });
    documents.set(OPENID, () => Response.json({ issuer, token_endpoint: endpoint.url }));
    const otherHost = await failureOf(source([]).acquire(never), ["secret"]);
    assert.equal(otherHost.code, "NET-008");
    documents.set(
      OPENID,
      () => Response.json({ issuer: "https://other.test", token_endpoint: endpoint.url }),
    );
    const hosts = [hostAndPort(endpoint.url)];
    assert.equal((await failureOf(source(hosts).acquire(never), ["secret"])).code, "TOK-001");
    assert.equal(endpoint.requests.length, 0);
    documents.set(OPENID, () => Response.json({ issuer, token_endpoint: endpoint.url }));
    await source(hosts).acquire(never);
    assert.equal(endpoint.requests.length, 1);
  });
  await endpoint.close();
});

const failures: [
  what: string,
  answer: () => Response | Promise<Response>,
  code: string,
  asked: number,
][] = [
  ["is missing", () => new Response(null, { status: 404 }), "TOK-001", 2],
  ["answers 503", () => new Response(null, { status: 503 }), "AUTH-003", 1],
  ["answers 429", () => new Response(null, { status: 429 }), "AUTH-003", 1],
  ["is too long", () => new Response("x".repeat(70_000)), "TOK-005", 1],
  ["never arrives", () => new Promise(() => {}), "NET-001", 1],
];
for (const [what, answer, code, times] of failures) {
  Deno.test(`A discovery document that ${what} makes a token request fail with ${code}`, () =>
    withDiscovery(async ({ documents, discovery, asked }) => {
      documents.set(OPENID, answer);
      const error = await failureOf(discovery().locate(never));
      assert.equal(error.code, code);
      assert.match(error.message, /discovery document/);
      assert.equal(asked.length, times);
    }, { timeoutMs: 400 }));
}

Deno.test("A missing realm gets Keycloak's advice before that about the issuer", async () => {
  const provider = await startOidcProvider({ clients: [] });
  const url = `${provider.issuer}/realms/radiologie`;
  const failure = (credentials: ClientCredentials) =>
    withConnection([provider.issuer], async (connection) => {
      const error = await failureOf(
        clientCredentialsSource(credentials, connection).acquire(never),
        ["secret"],
      );
      assert.equal(error.code, "TOK-001");
      assert.match(error.message, /discovery document of \S+\/realms\/radiologie answered 404 /);
      steps.push(error.troubleshooting);
    });
  const steps: (readonly string[])[] = [];
  const configured = clientCredentials({ kind: "issuer", url, allowedHosts: [hostAndPort(url)] });
  await failure({ ...configured, provider: "keycloak" });
  await failure(configured);
  await provider.close();
  const [keycloaks, others] = steps;
  assert.match(keycloaks![0]!, /^Keycloak: check the realm in the URL/);
  assert.deepEqual(keycloaks!.slice(1), others);
  assert.match(others![0]!, /^Check Issuer/);
});

Deno.test("A redirected discovery document is not followed", () =>
  withDiscovery(async ({ documents, discovery, asked }) => {
    const redirect = () => new Response(null, { status: 302, headers: { location: "/elsewhere" } });
    documents.set(OPENID, redirect);
    documents.set("/.well-known/oauth-authorization-server", redirect);
    const { code, message } = await failureOf(discovery().locate(never));
    assert.equal(code, "NET-004");
    assert.match(message, /answered 302, a redirect to http:\/\/127\.0\.0\.1:\d+$/);
    assert(!asked.includes("/elsewhere"));
  }));

Deno.test("A document is read once a day, and kept while no new one can be read", () => {
  const clock = new FakeClock();
  return withDiscovery(async ({ documents, discovery, issuer, asked }) => {
    const found = discovery();
    documents.set(OPENID, metadata(issuer, "/old"));
    for (let hour = 0; hour < 24; hour++) {
      assert.equal((await found.locate(never)).tokenEndpoint, `${issuer}/old`);
      await clock.advance(HOUR_MS);
    }
    assert.equal(asked.length, 1);

    documents.set(OPENID, () => new Response(null, { status: 503 }));
    const waits: number[] = [];
    for (let requests = asked.length, waited = 0; waits.length < 6;) {
      assert.equal((await found.locate(never)).tokenEndpoint, `${issuer}/old`);
      if (asked.length > requests) waits.push(waited);
      waited = asked.length > requests ? 0 : waited;
      requests = asked.length;
      await clock.advance(30_000);
      waited += 30_000;
    }
    assert.deepEqual(waits, [0, 30, 60, 120, 240, 480].map((seconds) => seconds * 1000));

    documents.set(OPENID, metadata(issuer, "/new"));
    await clock.advance(HOUR_MS);
    assert.equal((await found.locate(never)).tokenEndpoint, `${issuer}/new`);
  }, { clock });
});

Deno.test("The document is read again when no token endpoint answers any more", () => {
  const clock = new FakeClock();
  return withDiscovery(async ({ documents, issuer, connection, asked }) => {
    const source = clientCredentialsSource(
      clientCredentials({ kind: "issuer", url: issuer, allowedHosts: [hostAndPort(issuer)] }),
      connection,
    );
    const token = () => Response.json({ access_token: "abc", token_type: "Bearer" });
    documents.set(OPENID, metadata(issuer, "/old"));
    documents.set("/old", token);
    await source.acquire(never);

    documents.delete("/old");
    documents.set(OPENID, metadata(issuer, "/new"));
    documents.set("/new", token);
    await failureOf(source.acquire(never));
    await failureOf(source.acquire(never));
    assert.deepEqual(asked, [OPENID, "/old", "/old", "/old"], "it was read too soon");
    await clock.advance(30_000);
    await source.acquire(never);
    assert.deepEqual(asked.slice(-2), [OPENID, "/new"]);
  }, { clock });
});

Deno.test("The document is not read again because a client is refused", () => {
  const clock = new FakeClock();
  return withDiscovery(async ({ documents, issuer, connection, asked }) => {
    const source = clientCredentialsSource(
      clientCredentials({ kind: "issuer", url: issuer, allowedHosts: [hostAndPort(issuer)] }),
      connection,
    );
    documents.set(OPENID, metadata(issuer));
    documents.set("/token", () => Response.json({ error: "invalid_client" }, { status: 401 }));
    for (let i = 0; i < 3; i++) {
      await failureOf(source.acquire(never));
      await clock.advance(HOUR_MS);
    }
    assert.equal(asked.filter((path) => path === OPENID).length, 1);
  }, { clock });
});
