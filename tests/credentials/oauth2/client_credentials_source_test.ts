import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import type { ClientAuthentication } from "../../../src/config/schemes/oauth2/client_authentication.ts";
import type { ClientCredentials } from "../../../src/config/schemes/oauth2/token_request.ts";
import { Secret } from "../../../src/config/values/secret.ts";
import { readPrivateKey, signingKey } from "../../../src/config/values/signing_key.ts";
import { clientCredentialsSource } from "../../../src/credentials/oauth2/client_credentials_source.ts";
import type { TokenSource } from "../../../src/credentials/token.ts";
import { GatewayError } from "../../../src/errors/gateway_error.ts";
import { systemClock } from "../../../src/network/clock.ts";
import { startOidcProvider } from "../../fixtures/oidc_provider.ts";
import { startTokenEndpoint, type TestTokenEndpoint } from "../../fixtures/token_endpoint.ts";
import { type ConnectionOptions, failureOf, never, withConnection } from "../source_harness.ts";
import { clientCredentials } from "./client_credentials.ts";

/** Contains all characters that an encoding could get wrong (RFC 6749, appendix A.2). */
const SECRET = 's3cr:t %/+~&="';

function credentials(
  tokenEndpoint: string,
  changes: Partial<ClientCredentials> = {},
): ClientCredentials {
  const clientAuthentication = {
    method: "client_secret_post",
    clientSecret: new Secret(SECRET),
  } as const;
  return clientCredentials(tokenEndpoint, { clientAuthentication, ...changes });
}

interface Setup {
  readonly endpoint: TestTokenEndpoint;
  source(changes?: Partial<ClientCredentials>): TokenSource;
}

async function withEndpoint(
  body: (setup: Setup) => Promise<void>,
  options?: ConnectionOptions,
): Promise<void> {
  const endpoint = startTokenEndpoint({ clientSecret: SECRET });
  await withConnection([endpoint.url], (connection) =>
    body({
      endpoint,
      source: (changes) => clientCredentialsSource(credentials(endpoint.url, changes), connection),
    }), options);
  await endpoint.close();
}

const failure = (promise: Promise<unknown>) => failureOf(promise, [SECRET]);

for (const method of ["client_secret_post", "client_secret_basic"] as const) {
  Deno.test(`clientCredentialsSource gets a token by ${method}`, () =>
    withEndpoint(async ({ endpoint, source }) => {
      const clientAuthentication = { method, clientSecret: new Secret(SECRET) };
      const token = await source({ clientAuthentication }).acquire(never);
      assert.equal(token.value, endpoint.issued[0]);
      assert.equal(token.expiresAtMs - token.issuedAtMs, 300_000);
      assert.equal(
        endpoint.requests[0]?.headers.has("authorization"),
        method === "client_secret_basic",
      );
    }));
}

for (const method of ["client_secret_post", "client_secret_basic"] as const) {
  Deno.test(`clientCredentialsSource never repeats a secret of ${method} that the provider echoes`, () =>
    withEndpoint(async ({ endpoint, source }) => {
      const body = { error: "invalid_request", error_description: SECRET };
      endpoint.answer = () => Response.json(body, { status: 400 });
      const clientAuthentication = { method, clientSecret: new Secret(SECRET) };
      const error = await failure(source({ clientAuthentication }).acquire(never));
      assert.match(error.message, /\[hidden\]/);
    }));
}

Deno.test("clientCredentialsSource sends scope, audience, resource and further parameters", () =>
  withEndpoint(async ({ endpoint, source }) => {
    await source({
      scope: "a b",
      audience: "https://dicom.test",
      resource: "urn:dicom",
      tokenParameters: { tenant: "x", grant_type: "password", scope: "overridden" },
    }).acquire(never);
    assert.deepEqual(Object.fromEntries(endpoint.requests[0]?.parameters ?? []), {
      tenant: "x",
      grant_type: "client_credentials",
      scope: "a b",
      audience: "https://dicom.test",
      resource: "urn:dicom",
      client_id: "gateway",
      client_secret: SECRET,
    });
  }));

Deno.test("clientCredentialsSource never follows a redirect with its secret", () =>
  withEndpoint(async ({ endpoint, source }) => {
    endpoint.answer = () =>
      new Response(null, { status: 307, headers: { location: "https://login.test/?code=s" } });
    const { code, message } = await failure(source().acquire(never));
    assert.equal(code, "NET-004");
    assert.match(message, /answered 307, a redirect to https:\/\/login\.test$/);
    assert.equal(endpoint.requests.length, 1);
  }));

Deno.test("clientCredentialsSource times out before the headers and within the body", () =>
  withEndpoint(async ({ endpoint, source }) => {
    const stalls: (() => Promise<Response>)[] = [
      () => new Promise(() => {}),
      () =>
        Promise.resolve(
          new Response(new ReadableStream({ start: (c) => c.enqueue(new Uint8Array(1)) })),
        ),
    ];
    for (const stall of stalls) {
      endpoint.answer = stall;
      const error = await failure(source().acquire(never));
      assert.equal(error.code, "NET-001");
      assert.equal(error.status, 504);
      assert.match(error.message, /server "main".*within 50 ms/);
    }
  }, { timeoutMs: 50 }));

Deno.test("clientCredentialsSource reads at most 64 KiB of a response", () =>
  withEndpoint(async ({ endpoint, source }) => {
    let sent = 0;
    let cancelled = false;
    endpoint.answer = () =>
      new Response(
        new ReadableStream({
          pull(controller) {
            sent += 65_536;
            controller.enqueue(new Uint8Array(65_536));
          },
          cancel() {
            cancelled = true;
          },
        }),
      );
    assert.equal((await failure(source().acquire(never))).code, "TOK-005");
    for (let i = 0; i < 100 && !cancelled; i++) await new Promise((r) => setTimeout(r, 10));
    assert(cancelled, "the endpoint was read on");
    assert(sent < 16 * 1024 * 1024);
  }));

Deno.test("clientCredentialsSource fails with AUTH-003 if the provider is unreachable", async () => {
  const endpoint = startTokenEndpoint();
  await endpoint.close();
  await withConnection([endpoint.url], async (connection) => {
    const source = clientCredentialsSource(credentials(endpoint.url), connection);
    const error = await failure(source.acquire(never));
    assert.equal(error.code, "AUTH-003");
    assert.equal(error.status, 503);
    assert.equal((error.cause as GatewayError).code, "NET-002");
  });
});

Deno.test("clientCredentialsSource advises about the proxy that refuses a tunnel to the provider", async () => {
  const step = "Ask the operator of the proxy to permit idp.example:443";
  const http = {
    send: () => Promise.reject(new GatewayError("NET-002", "x", { troubleshooting: [step] })),
  };
  const source = clientCredentialsSource(credentials("https://idp.example/token"), {
    server: "main",
    http,
    timeoutMs: 1_000,
    clock: systemClock,
  });
  const error = await failure(source.acquire(never));
  assert.equal(error.code, "AUTH-003");
  assert.equal(error.troubleshooting[0], step);
});

Deno.test("clientCredentialsSource quotes a provider that writes Latin-1", async () => {
  const page = Uint8Array.of(0x55, 0x6e, 0x67, 0xfc, 0x6c, 0x74, 0x69, 0x67);
  const headers = { "content-type": "text/plain; charset=iso-8859-1" };
  const source = clientCredentialsSource(credentials("https://idp.example/token"), {
    server: "main",
    http: { send: () => Promise.resolve(new Response(page, { status: 400, headers })) },
    timeoutMs: 1_000,
    clock: systemClock,
  });
  assert.match((await failure(source.acquire(never))).message, /400 \(Ungültig\)/);
});

Deno.test("clientCredentialsSource fails with AUTH-003 if the response breaks off", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const served = (async () => {
    const connection = await listener.accept();
    await connection.read(new Uint8Array(65_536));
    await connection.write(
      new TextEncoder().encode("HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{"),
    );
    connection.close();
  })();
  const url = `http://127.0.0.1:${listener.addr.port}/token`;
  await withConnection([url], async (connection) => {
    const source = clientCredentialsSource(credentials(url), connection);
    assert.equal((await failure(source.acquire(never))).code, "AUTH-003");
  });
  await served;
  listener.close();
});

Deno.test("clientCredentialsSource rejects with the signal's reason", () =>
  withEndpoint(async ({ endpoint, source }) => {
    const abort = new AbortController();
    endpoint.answer = () => {
      abort.abort(new Error("closing"));
      return new Promise(() => {});
    };
    await assert.rejects(source().acquire(abort.signal), { message: "closing" });
  }));

function privateKey(): ClientAuthentication {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const { key } = readPrivateKey(String(privateKey.export({ format: "pem", type: "pkcs8" })));
  return {
    method: "private_key_jwt",
    keys: [signingKey(key!, "ES256", undefined)],
    assertion: { audience: undefined, lifetimeSeconds: 60 },
  };
}

Deno.test("clientCredentialsSource changes its fingerprint with every credential", () =>
  withEndpoint(({ endpoint, source }) => {
    const post = (secret: string) =>
      ({ method: "client_secret_post", clientSecret: new Secret(secret) }) as const;
    const variants: Partial<ClientCredentials>[] = [
      {},
      { clientId: "other" },
      { clientAuthentication: post("other") },
      { clientAuthentication: { method: "client_secret_basic", clientSecret: new Secret(SECRET) } },
      { tokenEndpoint: "https://other.test/token" },
      { scope: "a" },
      { audience: "a" },
      { resource: "a" },
      { tokenParameters: { tenant: "a" } },
      { tokenParameters: { tenant: "b" } },
      { tokenEndpoint: { kind: "issuer", url: endpoint.url, allowedHosts: [] } },
      { tokenEndpoint: { kind: "smart", url: endpoint.url, allowedHosts: [] } },
      { clientAuthentication: privateKey() },
      { clientAuthentication: privateKey() },
      { clientAuthentication: { method: "tls_client_auth" } },
    ];
    const prints = variants.map((changes) => source(changes).fingerprint);
    assert.equal(new Set(prints).size, variants.length);
    assert.equal(source({ refreshBufferMs: 1 }).fingerprint, prints[0]);
    assert.equal(source().fingerprint, prints[0]);
    return Promise.resolve();
  }));

for (const method of ["client_secret_post", "client_secret_basic"] as const) {
  Deno.test(`clientCredentialsSource gets a token of oidc-provider by ${method}, and AUTH-001 with a wrong secret`, async () => {
    const provider = await startOidcProvider({
      scope: "dicom admin",
      clients: [{
        clientId: "gateway",
        clientSecret: SECRET,
        authMethod: method,
        metadata: { scope: "dicom" },
      }],
    });
    await withConnection([provider.issuer], async (connection) => {
      const source = (secret: string, changes: Partial<ClientCredentials> = {}) =>
        clientCredentialsSource(
          credentials(provider.tokenEndpoint, {
            clientAuthentication: { method, clientSecret: new Secret(secret) },
            scope: "dicom",
            resource: "https://store.test",
            ...changes,
          }),
          connection,
        );
      const codeOf = async (source: TokenSource) => (await failure(source.acquire(never))).code;
      const token = await source(SECRET).acquire(never);
      const [, claims] = token.value.split(".");
      assert.equal(JSON.parse(atob(claims ?? "")).aud, "https://store.test");
      assert.equal(await codeOf(source("wrong")), "AUTH-001");
      assert.equal(await codeOf(source(SECRET, { scope: "admin" })), "AUTH-002");
      assert.equal(await codeOf(source(SECRET, { resource: "no URL" })), "AUTH-002");
    });
    await provider.close();
  });
}

Deno.test("clientCredentialsSource names the gateway to the token endpoint, and adds TokenHeaders", async () => {
  const endpoint = startTokenEndpoint({ clientSecret: SECRET });
  await withConnection([endpoint.url], async (connection) => {
    const tokenHeaders = { "ocp-apim-subscription-key": new Secret("k3y-of-apim") };
    const source = clientCredentialsSource(credentials(endpoint.url, { tokenHeaders }), {
      ...connection,
      userAgent: "dicomweb-gateway/test",
    });
    await source.acquire(never);
    const { headers } = endpoint.requests[0]!;
    assert.equal(headers.get("user-agent"), "dicomweb-gateway/test");
    assert.equal(headers.get("ocp-apim-subscription-key"), "k3y-of-apim");
    assert.equal(headers.get("content-type"), "application/x-www-form-urlencoded");
    endpoint.answer = ({ headers }) =>
      Response.json({ message: `No key ${headers.get("ocp-apim-subscription-key")}` }, {
        status: 401,
      });
    await failureOf(source.acquire(never), ["k3y-of-apim"]);
    const other = clientCredentialsSource(credentials(endpoint.url), connection);
    assert.notEqual(other.fingerprint, source.fingerprint);
  });
  await endpoint.close();
});

Deno.test("A rejected client whose secret is form-encoded gets advice about its encoding", () =>
  withEndpoint(async ({ endpoint, source }) => {
    endpoint.answer = () => Response.json({ error: "invalid_client" }, { status: 401 });
    const advice = async (secret: string, more: Partial<ClientAuthentication>) => {
      const clientAuthentication = { clientSecret: new Secret(secret), ...more };
      const wrong = source({ clientAuthentication: clientAuthentication as ClientAuthentication });
      return (await failure(wrong.acquire(never))).troubleshooting.join("\n");
    };
    const step = /"ClientSecretEncoding": "none"/;
    assert.match(await advice(SECRET, { method: "client_secret_basic" }), step);
    assert.doesNotMatch(await advice("plain", { method: "client_secret_basic" }), step);
    assert.doesNotMatch(await advice(SECRET, { method: "client_secret_post" }), step);
    assert.doesNotMatch(
      await advice(SECRET, { method: "client_secret_basic", encoding: "none" }),
      step,
    );
  }));
