import assert from "node:assert/strict";
import { GatewayError } from "../../src/errors/gateway_error.ts";
import type { GatewayOptions } from "../../src/gateway/app.ts";
import { Secret } from "../../src/config/values/secret.ts";
import type { AuditEvent } from "../../src/telemetry/audit_event.ts";
import { uidNames } from "../../src/telemetry/audit_uids.ts";
import { createMetrics } from "../../src/telemetry/metrics.ts";
import type { ForwardRequest } from "../../src/upstream/forward_request.ts";
import type { Store } from "../../src/upstream/store.ts";
import { gatewayApp } from "./gateway_app.ts";

interface Parts {
  readonly events: readonly AuditEvent[];
  /** Requests that the store has received. */
  readonly forwarded: () => number;
  refuse(isRefusing: boolean): void;
  ask(path: string, init?: RequestInit, completed?: Promise<void>): Promise<Response>;
}

function gateway(
  more: Partial<GatewayOptions> & {
    readonly uids?: "plain" | "hashed" | "omitted";
    readonly answerHeaders?: HeadersInit;
    readonly answer?: () => Response;
    readonly beforeAnswer?: (forward: ForwardRequest) => void;
  } = {},
): Parts {
  const events: AuditEvent[] = [];
  let [isRefusing, forwarded] = [false, 0];
  const store = {
    name: "main",
    forward: (forward: ForwardRequest) => {
      forwarded++;
      more.beforeAnswer?.(forward);
      const headers = more.answerHeaders ?? { "content-length": "6" };
      return Promise.resolve(more.answer?.() ?? new Response("stored", { headers }));
    },
    authorizer: {
      describe: () => ({ kind: "headers", hasToken: false }),
      renew: () => Promise.resolve(),
    },
  } as unknown as Store;
  const { ask } = gatewayApp({
    stores: new Map([["main", store]]),
    audit: {
      trail: {
        get isRefusing() {
          return isRefusing;
        },
        record: (event) => events.push(event),
      },
      nameUid: uidNames({ uids: more.uids ?? "plain", key: new Secret("k".repeat(32)) }),
    },
    ...more,
  });
  return {
    events,
    forwarded: () => forwarded,
    refuse: (value) => isRefusing = value,
    ask: async (path, init, completed = Promise.resolve()) => {
      const response = await ask(path, init, completed);
      await completed.catch(() => {});
      await Promise.resolve();
      return response;
    },
  };
}

const CLOSED = { identify: () => refuse("AUTH-005") };

function refuse(code: "AUTH-005" | "AUTH-009"): never {
  throw new GatewayError(code, "Authentication failed: test");
}

Deno.test("audit: a request to a store is one record of what it requested and how it ended", async () => {
  const { ask, events } = gateway();
  await ask("/dicom-web/main/studies/1.2/series/3.4?PatientName=DOE^JOHN&limit=1", {
    headers: { "x-request-id": "r-1" },
  });
  assert.equal(events.length, 1);
  const { duration_ms, ...recorded } = events[0]!;
  assert.equal(typeof duration_ms, "number");
  assert.deepEqual(recorded, {
    time: "2026-01-01T00:00:00.000Z",
    event: "access",
    request_id: "r-1",
    subject: "anonymous",
    client: "unknown",
    method: "GET",
    page: null,
    server: "main",
    transaction: "retrieve-series",
    study: "1.2",
    series: "3.4",
    instance: null,
    parameters: ["PatientName", "limit"],
    status: 200,
    error_code: null,
    bytes_received: 0,
    bytes_sent: 6,
    outcome: "complete",
  });
});

Deno.test("audit: a record says that the answer came from memory", async () => {
  const { ask, events } = gateway({
    beforeAnswer: ({ passed }) => passed!.isFromMemory = true,
  });
  await ask("/dicom-web/main/studies/1.2/metadata");
  assert.deepEqual([events[0]!["served"], events[0]!["study"]], ["memory", "1.2"]);
});

/** Bodies of HEAD and 304 responses and of rejected uploads are not transferred. */
const LENGTHS = { "content-length": "6" };
const BYTES: readonly [string, RequestInit, () => Response, (number | null)[]][] = [
  ["GET", {}, () => new Response("stored", { headers: LENGTHS }), [0, 6]],
  ["HEAD", { method: "HEAD" }, () => new Response(null, { headers: LENGTHS }), [0, 0]],
  ["304", {}, () => new Response(null, { status: 304, headers: LENGTHS }), [0, 0]],
  ["204", {}, () => new Response(null, { status: 204 }), [0, 0]],
  ["an accepted upload", POST(), () => new Response("stored"), [6, null]],
  [
    "a rejected request without a body",
    { method: "DELETE", headers: { "content-length": "0" } },
    () => new Response("no", { status: 404 }),
    [0, null],
  ],
  ["a rejected upload", POST(), () => new Response("no", { status: 413 }), [null, null]],
];

function POST(): RequestInit {
  return { method: "POST", body: "stored", headers: LENGTHS };
}

for (const [what, init, answer, bytes] of BYTES) {
  Deno.test(`audit: only bytes that can have been transferred count: ${what}`, async () => {
    const { ask, events } = gateway({ answer });
    await ask("/dicom-web/main/studies/1.2", init);
    assert.deepEqual([events[0]?.["bytes_received"], events[0]?.["bytes_sent"]], bytes);
  });
}

Deno.test("audit: the body of an unauthenticated request has no byte count", async () => {
  const { ask, events } = gateway({ authenticator: CLOSED });
  await ask("/dicom-web/main/studies", POST());
  assert.equal(events[0]?.["bytes_received"], null);
});

Deno.test("audit: a response that breaks off is recorded as such, once, at its end", async () => {
  const { ask, events } = gateway({ answerHeaders: {} });
  const { promise, reject } = Promise.withResolvers<void>();
  const asked = ask("/dicom-web/main/studies", {}, promise);
  await new Promise((resolve) => setTimeout(resolve, 1));
  assert.deepEqual(events, []);
  reject(new Error("the client went away"));
  await asked;
  assert.deepEqual(events.map(({ outcome, status }) => [outcome, status]), [["broken off", 200]]);
});

Deno.test("audit: a request without valid credentials is recorded with what it requested", async () => {
  const { ask, events } = gateway({ authenticator: CLOSED });
  await ask("/dicom-web/main/studies/1.2", { method: "DELETE" });
  await ask("/oauth-dicom-web/servers/main/studies/1.2?DOE^JOHN");
  await ask("/oauth-dicom-web/servers/main/stow", { method: "POST" });
  await ask("/dicom-web/DOE%5EJOHN/studies/1.2");
  await ask("/dicomweb-oauth/servers/main/test", { method: "POST" });
  await ask("/dicomweb-oauth/servers/DOE/test", { method: "POST" });
  assert.deepEqual(
    events.map(({ event, outcome, page, server, transaction, study, status }) => [
      event,
      outcome,
      page,
      server,
      transaction,
      study,
      status,
    ]),
    [
      ["authentication", "refused", null, "main", "delete-study", "1.2", 401],
      ["authentication", "refused", null, "main", "retrieve-study", "1.2", 401],
      ["authentication", "refused", null, "main", "store", null, 401],
      ["authentication", "refused", null, null, null, null, 401],
      ["authentication", "refused", "/dicomweb-oauth/servers/:name/test", "main", null, null, 401],
      ["authentication", "refused", "/dicomweb-oauth/servers/:name/test", null, null, null, 401],
    ],
  );
  assert(!JSON.stringify(events).includes("DOE"));
});

Deno.test("audit: a request that may override its method is recorded as unknown", async () => {
  const { ask, events } = gateway();
  await ask("/dicom-web/main/studies/1.2?_method=DELETE");
  await ask("/oauth-dicom-web/servers/main/studies/1.2?%24httpMethod=DELETE");
  assert.deepEqual(
    events.map(({ transaction, study }) => [transaction, study]),
    [
      ["unknown", "1.2"],
      ["unknown", "1.2"],
    ],
  );
});

Deno.test("audit: a request for the gateway's own pages names the page; health checks are not recorded", async () => {
  const { ask, events } = gateway();
  await ask("/dicomweb-oauth/status");
  await ask("/dicomweb-oauth/servers/main/test", { method: "POST" });
  await ask("/DOE^JOHN");
  await ask("/healthz");
  await ask("/readyz");
  assert.deepEqual(
    events.map(({ event, outcome, page, server, status }) => [
      event,
      outcome,
      page,
      server,
      status,
    ]),
    [
      ["management", "complete", "/dicomweb-oauth/status", null, 200],
      ["management", "complete", "/dicomweb-oauth/servers/:name/test", "main", 200],
      ["management", "failed", "/*", null, 404],
    ],
  );
});

Deno.test("audit: records contain only valid UIDs, plain, hashed or omitted as configured", async () => {
  const { ask, events } = gateway();
  await ask("/dicom-web/main/studies/DOE^JOHN/series/DOE^JANE");
  await ask("/dicom-web/main/DOE?DOE^JOHN=1&%44OE=2&PatientID=DOE");
  assert(!JSON.stringify(events).includes("DOE^"));
  assert(!JSON.stringify(events).includes("PatientID=DOE"));
  for (const uids of ["hashed", "omitted"] as const) {
    const { ask, events } = gateway({ uids });
    await ask("/dicom-web/main/studies/1.2.840.113619");
    assert(!JSON.stringify(events).includes("113619"), uids);
    assert.match(String(events[0]!.study), uids === "hashed" ? /^[0-9a-f]{64}$/ : /^null$/);
  }
});

Deno.test("audit: while no record can be written, no request reaches a store and none changes the gateway", async () => {
  const { ask, events, forwarded, refuse } = gateway();
  refuse(true);
  for (
    const [path, method, status] of [
      ["/dicom-web/main/studies", "GET", 503],
      ["/oauth-dicom-web/servers/main/stow", "POST", 503],
      ["/dicomweb-oauth/servers/main/test", "POST", 503],
      ["/dicomweb-oauth/status", "GET", 200],
      ["/healthz", "GET", 200],
    ] as const
  ) {
    const response = await ask(path, { method });
    assert.equal(response.status, status, path);
    if (status === 503) assert.equal((await response.json()).error_code, "INT-004");
  }
  assert.equal(forwarded(), 0);
  refuse(false);
  assert.equal((await ask("/dicom-web/main/studies")).status, 200);
  assert.deepEqual(events.map(({ event }) => event), ["management", "access"]);
});

for (const path of ["/dicom-web/main/studies", "/oauth-dicom-web/servers/main/stow"]) {
  Deno.test(`metrics: requests rejected on the way to a store are counted at ${path}`, async () => {
    const metrics = createMetrics();
    const { ask, refuse } = gateway({ authenticator: CLOSED, metrics });
    await ask(path);
    refuse(true);
    await ask(path);
    const text = await metrics.registry.metrics();
    const endpoint = `${path.slice(0, path.indexOf("main"))}:server/*`;
    for (const status of ["401", "503"]) {
      const lines = text.split("\n").filter((line) =>
        line.includes(`endpoint="${endpoint}"`) && line.includes(`status="${status}"`)
      );
      assert.ok(lines.some((line) => /http_requests_total\{.* 1$/.test(line)), text);
      assert.ok(lines.some((line) => /request_duration_seconds_count\{.* 1$/.test(line)), text);
    }
  });
}
