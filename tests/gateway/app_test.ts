import assert from "node:assert/strict";
import { atDistance, profiles } from "../../src/dicomweb/profile/profile.ts";
import { GatewayError } from "../../src/errors/gateway_error.ts";
import type { ForwardRequest } from "../../src/upstream/forward_request.ts";
import type { Store } from "../../src/upstream/store.ts";
import { type GatewayApp, gatewayApp, NOW_MS } from "./gateway_app.ts";

interface Fixture extends GatewayApp {
  readonly forwarded: ForwardRequest[];
  readonly renewals: string[];
  readonly revocations: string[];
  readonly announced: string[];
}

function gateway(behaviour: {
  readonly forward?: () => Promise<Response>;
  readonly renew?: () => Promise<void>;
  readonly forget?: () => Promise<void>;
  readonly now?: () => number;
  readonly checkReadiness?: () => Promise<void>;
} = {}): Fixture {
  const { forward, renew, forget, ...options } = behaviour;
  const forwarded: ForwardRequest[] = [];
  const renewals: string[] = [];
  const revocations: string[] = [];
  const announced: string[] = [];
  const store = {
    name: "main",
    url: "https://store.example/v2",
    profile: atDistance(profiles.azure, "far"),
    authorizer: {
      describe: () => ({
        kind: "client_credentials",
        endpoint: "https://login.example/token",
        hasToken: true,
        expiresAtMs: NOW_MS + 60_000,
      }),
      renew: () => {
        renewals.push("main");
        return renew?.() ?? Promise.resolve();
      },
      forget: (revocation: string) => {
        revocations.push(revocation);
        return forget?.() ?? Promise.resolve();
      },
    },
    forward: (request: ForwardRequest) => {
      forwarded.push(request);
      return forward?.() ?? Promise.resolve(new Response("stored"));
    },
  } as unknown as Store;
  const app = gatewayApp({
    stores: new Map([["main", store]]),
    announceRevocation: (server, revocation) => announced.push(`${server} ${revocation}`),
    ...options,
  });
  return { ...app, forwarded, renewals, revocations, announced };
}

/** Path at the gateway → path at the store, below its base URL. */
const FORWARDED: [path: string, target: string][] = [
  ["/dicom-web/main/studies", "/studies"],
  ["/dicom-web/main/studies?a=%2F&b=1,2", "/studies?a=%2F&b=1,2"],
  ["/dicom-web/main", ""],
  ["/dicom-web/main/", "/"],
  ["/dicom-web/main?x=1", "?x=1"],
  ["/oauth-dicom-web/servers/main/studies/1.2", "/studies/1.2"],
  ["/oauth-dicom-web/servers/main/stow", "/studies"],
  ["/oauth-dicom-web/servers/main/stow?x=1", "/studies?x=1"],
  ["/oauth-dicom-web/servers/main/stowaway", "/stowaway"],
  ["/dicom-web/main/stow", "/stow"],
];

for (const [path, target] of FORWARDED) {
  Deno.test(`app: ${path} goes to the store's ${target || "base URL"}`, async () => {
    const { ask, forwarded } = gateway();
    const response = await ask(path);
    assert.equal(await response.text(), "stored");
    assert.equal(forwarded[0]?.target, target);
  });
}

for (const method of ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]) {
  Deno.test(`app: ${method} is forwarded`, async () => {
    const { ask, forwarded } = gateway();
    const response = await ask("/dicom-web/main/studies", { method });
    assert.equal(response.status, 200);
    assert.equal(forwarded[0]?.request.method, method);
  });
}

Deno.test("app: a method that DICOMweb does not have is refused", async () => {
  const { ask, forwarded } = gateway();
  const response = await ask("/dicom-web/main/studies", { method: "PROPFIND" });
  assert.equal(response.status, 405);
  assert.match(response.headers.get("allow") ?? "", /GET/);
  assert.equal((await response.json()).error_code, "NET-007");
  assert.equal(forwarded.length, 0);
});

for (
  const [method, path, allow] of [
    ["GET", "/dicomweb-oauth/servers/main/test", "POST"],
    ["GET", "/dicomweb-oauth/servers/main/token", "DELETE"],
    ["POST", "/dicomweb-oauth/status", "GET, HEAD"],
    ["DELETE", "/dicomweb-oauth/servers", "GET, HEAD"],
    ["PUT", "/dicomweb-oauth/metrics", "GET, HEAD"],
    ["POST", "/healthz", "GET, HEAD"],
  ] as const
) {
  Deno.test(`app: ${method} on ${path} is 405 with the page's methods in Allow`, async () => {
    const { ask } = gateway();
    const response = await ask(path, { method });
    assert.equal(response.status, 405);
    assert.equal(response.headers.get("allow"), allow);
    assert.equal((await response.json()).error_code, "NET-007");
  });
}

for (
  const [method, path] of [
    ["GET", "/other"],
    ["GET", "/dicom-web/other/studies"],
    ["POST", "/dicomweb-oauth/servers/other/test"],
    ["DELETE", "/dicomweb-oauth/servers/other/token"],
  ] as const
) {
  Deno.test(`app: ${method} ${path} is 404, without the name in the response`, async () => {
    const { ask, announced } = gateway();
    const response = await ask(path, { method });
    assert.equal(response.status, 404);
    const problem = await response.json();
    assert.equal(problem.error_code, "NET-006");
    assert.doesNotMatch(JSON.stringify(problem), /other/);
    assert.deepEqual(announced, []);
  });
}

Deno.test("app: the log, not the response, names the server that differs only in case", async () => {
  const { ask, logger } = gateway();
  const response = await ask("/dicom-web/Main/studies");
  assert.equal(response.status, 404);
  assert.doesNotMatch(await response.text(), /main/i);
  await ask("/dicom-web/other/studies");
  assert.deepEqual(
    logger.withCode("NET-006").map(({ fields }) => fields.configured_server),
    ["main", undefined],
  );
});

Deno.test("app: 503 has Retry-After while the identity provider is unavailable", async () => {
  const { ask } = gateway({
    forward: () => Promise.reject(new GatewayError("AUTH-003", "Cannot fetch a token: no answer")),
  });
  const response = await ask("/dicom-web/main/studies");
  assert.deepEqual([response.status, response.headers.get("retry-after")], [503, "5"]);
  await response.body?.cancel();
});

Deno.test("app: errors are problem details with code, category, severity, steps and request ID", async () => {
  const { ask, logger } = gateway({
    forward: () =>
      Promise.reject(
        new GatewayError("AUTH-003", 'Cannot fetch a token for server "main": no answer', {
          server: "main",
          retryAfterSeconds: 7.2,
          troubleshooting: ["The provider's own remedy"],
        }),
      ),
  });
  const response = await ask("/dicom-web/main/studies", {
    headers: { "x-request-id": "abc-123" },
  });
  assert.equal(response.status, 503);
  assert.equal(response.headers.get("retry-after"), "8");
  assert.equal(response.headers.get("content-type"), "application/problem+json");
  const problem = await response.json();
  assert.equal(problem.error_code, "AUTH-003");
  assert.equal(problem.category, "AUTHORIZATION");
  assert.equal(problem.severity, "CRITICAL");
  assert.equal(problem.message, 'Cannot fetch a token for server "main": no answer');
  assert.equal(problem.troubleshooting[0], "The provider's own remedy");
  assert.equal(problem.request_id, "abc-123");
  assert.equal(problem.status, 503);
  assert.equal(logger.withCode("AUTH-003")[0]?.fields["request_id"], "abc-123");
});

Deno.test("app: an unexpected error is INT-001, without its message in the response", async () => {
  const { ask, logger } = gateway({ forward: () => Promise.reject(new Error("inner detail")) });
  const response = await ask("/dicom-web/main/studies");
  assert.equal(response.status, 500);
  const text = await response.text();
  assert.match(text, /INT-001/);
  assert.doesNotMatch(text, /inner detail/);
  assert.match(String(logger.withCode("INT-001")[0]?.fields["cause"]), /inner detail/);
});

Deno.test("app: a client that disconnects is neither an error nor a log line", async () => {
  const client = new AbortController();
  const { ask, logger, metrics } = gateway({
    forward: () => {
      client.abort();
      return Promise.reject(client.signal.reason);
    },
  });
  await ask("/dicom-web/main/studies", { signal: client.signal });
  assert.deepEqual(logger.lines, []);
  assert.doesNotMatch(await metrics.registry.metrics(), /errors_total\{/);
});

Deno.test("app: a client that stalls within its body does not count as a failure of the server", async () => {
  const stalled = new GatewayError("NET-001", "Timeout while waiting for the client", {
    server: "main",
    status: 408,
  });
  const { ask, metrics } = gateway({ forward: () => Promise.reject(stalled) });
  const response = await ask("/dicom-web/main/studies", { method: "POST", body: "x" });
  assert.equal(response.status, 408);
  const text = await metrics.registry.metrics();
  assert.match(text, /errors_total\{server="",error_code="NET-001",category="NETWORK"\} 1/);
  assert.match(text, /transfer_duration_seconds_count\{server="main",outcome="broken"\} 1/);
  const { data } = await (await ask("/dicomweb-oauth/servers")).json();
  assert.equal(data.servers[0].last_request, null);
});

Deno.test("app: a request id that could forge a log line is replaced", async () => {
  const { ask, forwarded } = gateway();
  const response = await ask("/dicom-web/main/studies", {
    headers: { "x-request-id": "x{}<script>" },
  });
  await response.body?.cancel();
  assert.match(forwarded[0]?.requestId ?? "", /^[0-9a-f-]{36}$/);
});

for (
  const [method, path] of [
    ["GET", "/"],
    ["GET", "/healthz"],
    ["GET", "/dicomweb-oauth/status"],
    ["GET", "/dicomweb-oauth/metrics"],
    ["POST", "/dicomweb-oauth/servers/main/test"],
    ["GET", "/nothing"],
  ] as const
) {
  Deno.test(`app: the response to ${method} ${path} has the X-Request-ID`, async () => {
    const headers = { "x-request-id": "r-1" };
    const answer = await gateway().ask(path, { method, headers });
    assert.equal(answer.headers.get("x-request-id"), "r-1");
  });
}

Deno.test("app: /dicomweb-oauth/status and /servers have the plugin's envelope and fields", async () => {
  const { ask } = gateway();
  const status = await (await ask("/dicomweb-oauth/status")).json();
  assert.deepEqual(status, {
    plugin_version: "1.2.3",
    api_version: "2.0",
    timestamp: "2026-01-01T00:00:00.000Z",
    data: {
      status: "healthy",
      ready: true,
      token_managers: 1,
      servers_configured: 1,
      faults: [],
    },
  });
  const { data } = await (await ask("/dicomweb-oauth/servers")).json();
  assert.deepEqual(data.servers, [{
    name: "main",
    url: "https://store.example/v2",
    health: "unused",
    profile: "azure",
    distance: "far",
    distance_rules: {
      StoreBatchBytes: 16_777_216,
      StoreConcurrency: 8,
      RetrieveInParallel: true,
      RetrieveConcurrency: 16,
      ReadAheadConcurrency: 16,
    },
    credentials: "client_credentials",
    token_endpoint: "https://login.example/token",
    has_cached_token: true,
    token_valid: true,
    token_expires_at: "2026-01-01T00:01:00.000Z",
    token_expires_in_seconds: 60,
    last_request: null,
    failed_upload: null,
  }]);
});

Deno.test("app: /dicomweb-oauth/servers reports the outcome of the last request to a server, with remedies", async () => {
  const answers: (() => Promise<Response>)[] = [
    () => Promise.resolve(new Response("no", { status: 404 })),
    () => Promise.reject(new GatewayError("AUTH-001", "Cannot fetch a token", { server: "main" })),
  ];
  const { ask, logger } = gateway({ forward: () => answers.shift()!() });
  const last = async () => {
    await (await ask("/dicom-web/main/studies")).body?.cancel();
    const { data } = await (await ask("/dicomweb-oauth/servers")).json();
    return data.servers[0];
  };
  const { health, last_request } = await last();
  assert.equal(health, "misplaced");
  assert.deepEqual(last_request, {
    at: "2026-01-01T00:00:00.000Z",
    store_status: 404,
    error: null,
  });
  const line = logger.lines.at(-1);
  assert.equal(line?.message, "Store rejected a request");
  assert.equal(line?.level, "info");
  assert.equal(line?.fields?.transaction, "search-studies");
  const failed = await last();
  assert.equal(failed.health, "failing");
  const { store_status, error } = failed.last_request;
  assert.equal(store_status, null);
  assert.equal(error.error_code, "AUTH-001");
  assert.equal(error.message, "Cannot fetch a token");
  assert.ok(error.troubleshooting.length > 0);
});

Deno.test("app: /test fetches a token and reports its expiry, never the token", async () => {
  const { ask, renewals } = gateway();
  const response = await ask("/dicomweb-oauth/servers/main/test", { method: "POST" });
  assert.equal(response.status, 200);
  const { data } = await response.json();
  assert.deepEqual(data, {
    server: "main",
    status: "success",
    token_acquired: true,
    has_token: true,
    token_expires_at: "2026-01-01T00:01:00.000Z",
    token_expires_in_seconds: 60,
  });
  assert.deepEqual(renewals, ["main"]);
});

Deno.test("app: a page about a server does not count as a request to its store, even if it fails", async () => {
  const renew = () => Promise.reject(new GatewayError("TOK-001", "Cannot fetch a token"));
  for (const behaviour of [{}, { renew }]) {
    const { ask, metrics } = gateway(behaviour);
    await ask("/dicomweb-oauth/servers/main/test", { method: "POST" });
    await ask("/dicomweb-oauth/servers/main/token", { method: "DELETE" });
    assert.doesNotMatch(await metrics.registry.metrics(), /transfer_duration_seconds_count\{/);
    const { data } = await (await ask("/dicomweb-oauth/servers")).json();
    assert.equal(data.servers[0].last_request, null);
  }
});

Deno.test("app: a failure of /test has the status and code of its error", async () => {
  const refused = new GatewayError("AUTH-001", 'Cannot fetch a token for server "main": refused');
  const { ask } = gateway({ renew: () => Promise.reject(refused) });
  const failed = await ask("/dicomweb-oauth/servers/main/test", { method: "POST" });
  assert.equal(failed.status, 502);
  assert.equal((await failed.json()).error_code, "AUTH-001");
});

Deno.test("app: /healthz is 200 while /readyz reports what is unavailable", async () => {
  const { ask } = gateway({
    checkReadiness: () => Promise.reject(new GatewayError("INT-002", "Not ready: no cache")),
  });
  assert.equal((await ask("/healthz")).status, 200);
  const ready = await ask("/readyz");
  assert.equal(ready.status, 503);
  assert.match((await ready.json()).message, /no cache/);
});

Deno.test("app: metrics have the plugin's names, and labels from bounded sets", async () => {
  const { ask } = gateway();
  for (const uid of ["1.2.3", "4.5.6"]) {
    const response = await ask(`/dicom-web/main/studies/${uid}`);
    await response.body?.cancel();
  }
  await ask("/no/such/path");
  await Promise.resolve();
  const text = await (await ask("/dicomweb-oauth/metrics")).text();
  assert.match(
    text,
    /dicomweb_oauth_http_requests_total\{[^}]*endpoint="\/dicom-web\/:server\/\*"[^}]*\} 2/,
  );
  assert.match(text, /dicomweb_oauth_http_request_duration_seconds_count\{[^}]*method="GET"/);
  assert.match(text, /dicomweb_oauth_errors_total\{[^}]*error_code="NET-006"[^}]*\} 1/);
  assert.match(
    text,
    /dicomweb_oauth_transfer_duration_seconds_count\{server="main",outcome="complete"\} 2/,
  );
  for (
    const name of [
      "token_acquisitions_total",
      "token_acquisition_duration_seconds",
      "cache_hits_total",
      "cache_misses_total",
      "circuit_breaker_state",
      "circuit_breaker_rejections_total",
      "retry_attempts_total",
    ]
  ) {
    assert.match(text, new RegExp(`# TYPE dicomweb_oauth_${name} `));
  }
  assert.doesNotMatch(text, /1\.2\.3|no\/such/);
});

function revoke(ask: GatewayApp["ask"]): Promise<Response> {
  return ask("/dicomweb-oauth/servers/main/token", { method: "DELETE" });
}

Deno.test("app: DELETE …/token revokes the token, in the other workers too", async () => {
  const { ask, revocations, announced } = gateway();
  const response = await revoke(ask);
  assert.equal(response.status, 200);
  assert.equal(response.headers.get("cache-control"), "no-store");
  const { data } = await response.json();
  assert.deepEqual(data, { server: "main", status: "success", has_token: true });
  assert.equal(revocations.length, 1);
  assert.deepEqual(announced, [`main ${revocations[0]}`]);
});

Deno.test("app: DELETE …/token in quick succession revokes one token, then is 429 with Retry-After", async () => {
  let nowMs = NOW_MS;
  const { ask, revocations } = gateway({ now: () => nowMs });
  await revoke(ask);
  for (let i = 0; i < 100; i++) {
    const response = await revoke(ask);
    assert.equal(response.status, 429);
    assert.equal(response.headers.get("retry-after"), "10");
    assert.equal((await response.json()).error_code, "TOK-007");
  }
  assert.equal(revocations.length, 1);
  nowMs += 10_000;
  assert.equal((await revoke(ask)).status, 200);
  nowMs -= 3_600_000;
  assert.equal((await revoke(ask)).status, 200, "the wall clock was set back");
  assert.equal(new Set(revocations).size, 3, "each revocation is a new one");
});

Deno.test("app: DELETE …/token is 503 if the cache is unavailable, and the other workers are notified nevertheless", async () => {
  const { ask, announced } = gateway({
    forget: () => Promise.reject(new GatewayError("INT-002", "Cannot revoke the token")),
  });
  const response = await revoke(ask);
  assert.equal(response.status, 503);
  assert.equal((await response.json()).error_code, "INT-002");
  assert.equal(announced.length, 1);
});
