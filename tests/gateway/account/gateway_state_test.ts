import assert from "node:assert/strict";
import { classify } from "../../../src/dicomweb/transaction/transaction.ts";
import { GatewayError } from "../../../src/errors/gateway_error.ts";
import {
  Activity,
  isFailedUpload,
  QUIET,
  SLOT_MS,
  SLOTS,
} from "../../../src/gateway/account/activity.ts";
import { FormSeal } from "../../../src/gateway/pages/form_seal.ts";
import { type Health, healthOf } from "../../../src/gateway/pages/server_health.ts";
import {
  addWindows,
  mergeStates,
  type ServerState,
} from "../../../src/gateway/account/gateway_state.ts";

const REQUEST = new Request("http://gateway/", { method: "POST", body: "1234" });
const STORE = classify("POST", "/studies");
const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);

Deno.test("Activity: a window holds the last five minutes and forgets what is older", () => {
  let nowMs = 1_000 * SLOT_MS;
  const activity = new Activity(() => nowMs);
  const request = (status: number) => {
    const transfer = activity.begin("a", REQUEST, STORE);
    const headers = { "content-length": "100" };
    activity.answered(transfer, new Response("stored", { status, headers }), 20);
    activity.end(transfer, true);
  };
  request(200);
  nowMs += SLOT_MS;
  request(500);
  request(200);
  const { requests, failures, totalMs, bytes } = activity.of("a").window;
  assert.deepEqual(requests.slice(-3), [0, 1, 2]);
  assert.deepEqual(failures.slice(-2), [0, 1]);
  assert.deepEqual(totalMs.slice(-2), [20, 40]);
  assert.equal(sum(bytes), 300);
  nowMs += (SLOTS - 1) * SLOT_MS;
  assert.equal(sum(activity.of("a").window.requests), 2);
  nowMs += SLOT_MS;
  assert.equal(sum(activity.of("a").window.requests), 0);
  assert.equal(activity.underWay, 0);
});

Deno.test("Activity: errors of the client leave the verdict about the store unchanged, failures change it", () => {
  const activity = new Activity(() => 5);
  const fail = (error: GatewayError) => {
    const transfer = activity.begin("a", REQUEST, STORE);
    activity.failed(transfer.server, error, 1, transfer);
    activity.end(transfer, true);
  };
  fail(new GatewayError("AUTH-007", "Cannot let"));
  assert.equal(activity.of("a").upload, undefined);
  assert.equal(activity.of("a").lastError?.code, "AUTH-007");
  fail(new GatewayError("NET-002", "Cannot reach"));
  const { verdict, upload } = activity.of("a");
  assert.equal(verdict, undefined, "an upload says nothing about searches");
  assert.deepEqual([upload?.atMs, upload?.status, upload?.error?.code], [5, undefined, "NET-002"]);
});

/** Status of an upload or search; `-` without a response; `3/5` for 202 with 3 of 5 instances stored. */
const HISTORIES: readonly [history: string, health: Health, failedUpload: string | undefined][] = [
  ["", "unused", undefined],
  ["search 200", "working", undefined],
  ["upload 200", "working", undefined],
  ["upload 507", "failing", "507"],
  ["upload 507, search 200", "rejecting", "507"],
  ["upload 507, search 401", "failing", "507"],
  ["upload 409, search 401", "refusing", "409"],
  ["upload 400", "rejecting", "400"],
  ["search 200, upload 409, search 200", "rejecting", "409"],
  ["upload 507, upload 400, search 204", "rejecting", "400"],
  ["upload 403", "refusing", "403"],
  ["upload -, search 200", "rejecting", "-"],
  ["upload 3/5, search 200", "rejecting", "3/5"],
  ["upload 5/5, search 200", "working", undefined],
  ["upload 507, search 401, upload 200", "working", undefined],
  ["upload 409, upload 5/5", "working", undefined],
  ["replace 409, search 200", "rejecting", "409"],
  ["search 503, upload 409", "failing", "409"],
];

for (const [history, health, failed] of HISTORIES) {
  Deno.test(`Activity: after ${history || "nothing"} a server is ${health}`, () => {
    let nowMs = 0;
    const activity = new Activity(() => ++nowMs);
    for (const event of history.split(", ").filter(Boolean)) {
      const [what = "", outcome = ""] = event.split(" ");
      const method = { search: "GET", upload: "POST", replace: "PUT" }[what]!;
      const request = new Request("http://gateway/studies", { method });
      const transfer = activity.begin("a", request, classify(method, "/studies"));
      const [stored, sent] = outcome.split("/").map(Number);
      if (sent !== undefined) {
        transfer.stow = { sent, stored: stored!, failed: sent - stored!, missing: 0, reasons: [] };
      }
      if (outcome === "-") {
        activity.failed("a", new GatewayError("NET-002", "Cannot reach"), 1, transfer);
      } else {
        const status = sent === undefined ? stored! : 202;
        activity.answered(transfer, new Response(null, { status }), 1);
      }
    }
    const report = activity.of("a");
    assert.equal(healthOf({ tokenBreaker: 0, storeBreaker: 0, ...report }), health);
    const { upload } = report;
    const shown = upload === undefined || !isFailedUpload(upload)
      ? undefined
      : upload.stow
      ? `${upload.stow.stored}/${upload.stow.sent}`
      : String(upload.status ?? "-");
    assert.equal(shown, failed);
  });
}

const searches: readonly [what: string, method: string, target: string, isMisplaced: boolean][] = [
  ["a search for studies", "GET", "/studies?limit=1", true],
  ["a search within a study, which may not be there", "GET", "/studies/1.2/series", false],
  ["a search that not every store offers", "GET", "/instances", false],
  ["a search in a partition that the client names", "GET", "/partitions/a/studies", false],
  ["a retrieval", "GET", "/studies/1.2", false],
  ["storing", "POST", "/studies", true],
  ["storing into a study, which may not be there", "POST", "/studies/1.2", false],
];

for (const [what, method, target, isMisplaced] of searches) {
  Deno.test(`Activity: 404 to ${what} ${isMisplaced ? "indicates" : "does not indicate"} a wrong URL`, () => {
    const activity = new Activity(() => 5);
    const request = new Request("http://gateway/", { method });
    activity.answered(
      activity.begin("a", request, classify(method, target)),
      new Response(null, { status: 404 }),
      1,
    );
    const { verdict, upload } = activity.of("a");
    assert.equal((method === "POST" ? upload : verdict)?.isMisplaced, isMisplaced);
  });
}

Deno.test("Activity: a wrong URL is reported until the store answers anything but 404", () => {
  const activity = new Activity(() => 5);
  const answer = (target: string, status: number) => {
    const request = new Request("http://gateway/");
    const transfer = activity.begin("a", request, classify("GET", target));
    activity.answered(transfer, new Response(null, { status }), 1);
    return activity.of("a").verdict?.isMisplaced;
  };
  assert.equal(answer("/studies/1.2", 404), false);
  assert.equal(answer("/studies", 404), true);
  assert.equal(answer("/studies/1.2", 404), true);
  assert.equal(answer("/studies/1.2", 200), false);
  assert.equal(answer("/studies/1.2", 404), false);
});

Deno.test("Windows: slots of the same time are added", () => {
  const window = (slot: number, newest: number) => {
    const values = Array.from({ length: SLOTS }, (_, i) => i === SLOTS - 1 ? newest : 0);
    return { slot, requests: values, failures: values, totalMs: values, bytes: values };
  };
  assert.deepEqual(addWindows(window(7, 1), window(9, 5)).requests.slice(-4), [0, 1, 0, 5]);
  assert.deepEqual(addWindows(window(9, 5), window(7, 1)).requests.slice(-4), [0, 1, 0, 5]);
  assert.equal(addWindows(window(1, 3), window(9_000, 5)).slot, 9_000);
  assert.deepEqual(addWindows(QUIET, window(9, 5)), window(9, 5));
  assert.deepEqual(addWindows(window(9, 5), QUIET), window(9, 5));
});

Deno.test("States of workers: sums of counts, the worst breaker, the latest outcome", () => {
  const server = (more: Partial<ServerState>): ServerState => ({
    name: "a",
    hasToken: false,
    expiresAtMs: undefined,
    tokenBreaker: 0,
    storeBreaker: 0,
    inFlight: 1,
    queued: 2,
    ...new Activity(() => 0).of("a"),
    ...more,
  });
  const { servers, workers, silent, underWay } = mergeStates({
    states: [
      {
        servers: [server({
          verdict: { atMs: 2, status: 200, isMisplaced: false },
          lastRequest: { atMs: 2, storeStatus: 200, error: undefined },
          tokenBreaker: 2,
        })],
        transfers: [],
        underWay: 3,
        faults: [],
      },
      {
        servers: [server({
          verdict: { atMs: 1, status: 500, isMisplaced: false },
          lastRequest: { atMs: 1, storeStatus: 500, error: undefined },
          hasToken: true,
          expiresAtMs: 9,
          storeBreaker: 1,
        })],
        transfers: [],
        underWay: 4,
        faults: [],
      },
    ],
    silent: 1,
    faults: [],
  });
  const { window: _, ...merged } = servers.get("a")!;
  assert.deepEqual(merged, {
    name: "a",
    hasToken: true,
    expiresAtMs: 9,
    tokenBreaker: 2,
    storeBreaker: 1,
    inFlight: 2,
    queued: 4,
    verdict: { atMs: 2, status: 200, isMisplaced: false },
    upload: undefined,
    lastError: undefined,
    lastRequest: { atMs: 2, storeStatus: 200, error: undefined },
  });
  assert.deepEqual([workers, silent, underWay], [2, 1, 7]);
});

Deno.test("Form seals: valid for their text, their key and twelve hours", () => {
  let nowMs = 1_700_000_000_000;
  const seals = new FormSeal("key", () => nowMs);
  const seal = seals.seal("text");
  assert(seals.isFor(seal, "text"));
  assert(!seals.isFor(seal, "other"));
  assert(!new FormSeal("other", () => nowMs).isFor(seal, "text"));
  assert(!seals.isFor(`zzzzzzzz.${seal.split(".")[1]}`, "text"));
  assert(!seals.isFor("", "text"));
  nowMs += 12 * 3_600_000 + 1;
  assert(!seals.isFor(seal, "text"));
});

Deno.test("Activity: neither bodies of rejected uploads nor the Content-Length of HEAD responses count", () => {
  const activity = new Activity(() => 1_000_000);
  const headers = { "content-length": "100" };
  const exchange = (request: RequestInit, answer: Response) => {
    const transfer = activity.begin("a", new Request("http://gateway", request), STORE);
    activity.answered(transfer, answer, 1);
    activity.end(transfer, true);
  };
  const upload = () => ({ method: "POST", body: "x".repeat(100), headers });
  exchange(upload(), new Response(null, { status: 413 }));
  exchange({ method: "HEAD" }, new Response(null, { headers }));
  assert.equal(activity.of("a").window.bytes.reduce((sum, bytes) => sum + bytes), 0);
  exchange(upload(), new Response(null));
  assert.equal(activity.of("a").window.bytes.reduce((sum, bytes) => sum + bytes), 100);
});
