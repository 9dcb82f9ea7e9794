import assert from "node:assert/strict";
import { GatewayError } from "../../src/errors/gateway_error.ts";
import { createApp, type GatewayOptions } from "../../src/gateway/app.ts";
import { ClientAddress } from "../../src/gateway/client_address.ts";
import { PublicAddress } from "../../src/gateway/public_address.ts";
import { Secret } from "../../src/config/values/secret.ts";
import type { AuditEvent } from "../../src/telemetry/audit_event.ts";
import { uidNames } from "../../src/telemetry/audit_uids.ts";
import { createMetrics } from "../../src/telemetry/metrics.ts";
import type { Store } from "../../src/upstream/store.ts";
import { MemoryLogger } from "../fixtures/memory_logger.ts";

const NOW = Date.UTC(2026, 0, 1);

interface Parts {
  readonly events: readonly AuditEvent[];
  /** How many requests the store has seen. */
  readonly forwarded: () => number;
  refuse(isRefusing: boolean): void;
  ask(path: string, init?: RequestInit, completed?: Promise<void>): Promise<Response>;
}

function gateway(
  more: Partial<GatewayOptions> & {
    readonly uids?: "plain" | "hashed" | "omitted";
    readonly answerHeaders?: HeadersInit;
    readonly answer?: () => Response;
  } = {},
): Parts {
  const events: AuditEvent[] = [];
  let [isRefusing, forwarded] = [false, 0];
  const metrics = createMetrics();
  const store = {
    name: "main",
    forward: () => {
      forwarded++;
      const headers = more.answerHeaders ?? { "content-length": "6" };
      return Promise.resolve(more.answer?.() ?? new Response("stored", { headers }));
    },
    authorizer: {
      describe: () => ({ kind: "headers", hasToken: false }),
      renew: () => Promise.resolve(),
    },
  } as unknown as Store;
  const app = createApp({
    stores: new Map([["main", store]]),
    version: "1.2.3",
    address: new PublicAddress(undefined, []),
    clientAddress: new ClientAddress([]),
    metrics,
    metricsText: () => metrics.registry.metrics(),
    checkReadiness: () => Promise.resolve(),
    logger: new MemoryLogger(),
    announceRevocation() {},
    now: () => NOW,
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
    ask: async (path, init = {}, completed = Promise.resolve()) => {
      const request = new Request(`http://gateway:8043${path}`, init);
      const response = await app.fetch(request, { completed });
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

Deno.test("audit: a request to a store is one record, of what it asked for and how it ended", async () => {
  const { ask, events } = gateway();
  await ask("/dicom-web/main/studies/1.2/series/3.4?PatientName=DOE^JOHN&limit=1", {
    headers: { "x-request-id": "r-1" },
  });
  assert.equal(events.length, 1);
  const { duration_ms, ...told } = events[0]!;
  assert.equal(typeof duration_ms, "number");
  assert.deepEqual(told, {
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

/** What a HEAD is told, a 304 spares and a refusal does not read has not passed. */
const LENGTHS = { "content-length": "6" };
const BYTES: readonly [string, RequestInit, () => Response, (number | null)[]][] = [
  ["GET", {}, () => new Response("stored", { headers: LENGTHS }), [0, 6]],
  ["HEAD", { method: "HEAD" }, () => new Response(null, { headers: LENGTHS }), [0, 0]],
  ["304", {}, () => new Response(null, { status: 304, headers: LENGTHS }), [0, 0]],
  ["204", {}, () => new Response(null, { status: 204 }), [0, 0]],
  ["a body that is taken", POST(), () => new Response("stored"), [6, null]],
  [
    "no body that is refused",
    { method: "DELETE", headers: { "content-length": "0" } },
    () => new Response("no", { status: 404 }),
    [0, null],
  ],
  ["a body that is refused", POST(), () => new Response("no", { status: 413 }), [null, null]],
];

function POST(): RequestInit {
  return { method: "POST", body: "stored", headers: LENGTHS };
}

for (const [what, init, answer, bytes] of BYTES) {
  Deno.test(`audit: bytes are those that can have passed: ${what}`, async () => {
    const { ask, events } = gateway({ answer });
    await ask("/dicom-web/main/studies/1.2", init);
    assert.deepEqual([events[0]?.["bytes_received"], events[0]?.["bytes_sent"]], bytes);
  });
}

Deno.test("audit: of a body that nobody let in no bytes were received", async () => {
  const { ask, events } = gateway({ authenticator: CLOSED });
  await ask("/dicom-web/main/studies", POST());
  assert.equal(events[0]?.["bytes_received"], null);
});

Deno.test("audit: an answer that broke off on its way is told as such, once, and not before", async () => {
  const { ask, events } = gateway({ answerHeaders: {} });
  const { promise, reject } = Promise.withResolvers<void>();
  const asked = ask("/dicom-web/main/studies", {}, promise);
  await new Promise((resolve) => setTimeout(resolve, 1));
  assert.deepEqual(events, []);
  reject(new Error("the client went away"));
  await asked;
  assert.deepEqual(events.map(({ outcome, status }) => [outcome, status]), [["broken off", 200]]);
});

Deno.test("audit: who is refused at the door is told with what they asked for", async () => {
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

Deno.test("audit: what may be a request of another method is not told as what it looks like", async () => {
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

Deno.test("audit: a request for the gateway's own pages names the page; health checks are not told", async () => {
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

Deno.test("audit: what is no UID never stands in a record, and UIDs as configured", async () => {
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

Deno.test("audit: while nothing can be recorded no request reaches a store, and no change the gateway", async () => {
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
  Deno.test(`metrics: who is refused on the way to a store is counted at ${path}`, async () => {
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
