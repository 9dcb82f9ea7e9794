/**
 * Viewers of a far store: what they are given from memory, and what is asked of the store for it.
 */
import assert from "node:assert/strict";
import { atDistance, profiles, withRules } from "../../../src/dicomweb/profile/profile.ts";
import { classify } from "../../../src/dicomweb/transaction/transaction.ts";
import { createMetrics } from "../../../src/telemetry/metrics.ts";
import { ByteBudget } from "../../../src/upstream/holding_room.ts";
import { AnswerMemory } from "../../../src/upstream/read_ahead/answer_memory.ts";
import type { PassedFacts } from "../../../src/upstream/forward_request.ts";
import type { Store } from "../../../src/upstream/store.ts";
import { AccessRules } from "../../../src/gateway/steps/access_rules.ts";
import type { AuditEvent } from "../../../src/telemetry/audit_event.ts";
import { gatewayApp } from "../../gateway/gateway_app.ts";
import { NEVER_RETRY } from "../../fixtures/parsed_server.ts";
import { type Seen, withStore } from "../store_harness.ts";

const FAR = atDistance(profiles.generic, "far");
const SERIES = "/studies/1.2/series/1.2.3";
const METADATA = `${SERIES}/metadata`;
const COUNT = 12;
const MIB = 1024 * 1024;

/** The path of an instance's first frame, by InstanceNumber from 1. */
function frame(number: number, series = SERIES): string {
  return `${series}/instances/1.2.3.${number}/frames/1`;
}

/** Lists the instances backward, with numbers. */
function metadata(count = COUNT): Response {
  return Response.json(
    Array.from({ length: count }, (_, index) => ({
      "00080018": { vr: "UI", Value: [`1.2.3.${count - index}`] },
      "0020000E": { vr: "UI", Value: ["1.2.3"] },
      "00200013": { vr: "IS", Value: [count - index] },
    })),
    { headers: { "content-type": "application/dicom+json" } },
  );
}

const HEADERS = {
  "content-type": "application/octet-stream",
  etag: '"tag"',
  date: "Tue, 01 Dec 2026 00:00:00 GMT",
};

function pathOf({ url }: Seen): string {
  return new URL(url).pathname.slice("/dicom-web".length) + new URL(url).search;
}

/** A store of one series. */
function series(seen: Seen): Response {
  const path = pathOf(seen);
  return path === METADATA ? metadata() : new Response(`pixels of ${path}`, { headers: HEADERS });
}

interface Viewer {
  readonly store: Store;
  readonly seen: Seen[];
  readonly memory: AnswerMemory;
  readonly budget: ByteBudget;
  readonly metrics: ReturnType<typeof createMetrics>;
  /** Sends a client's request, and reads its answer. */
  readonly ask: (target: string, init?: AskInit) => Promise<Answer>;
  /** What the store was asked for, in order. */
  readonly asked: () => string[];
}

interface AskInit extends RequestInit {
  readonly subject?: string;
}

interface Answer {
  readonly status: number;
  readonly headers: [string, string][];
  readonly text: string;
  readonly isFromMemory: boolean;
}

type Options = Parameters<typeof withStore>[2] & {
  readonly memoryBytes?: number;
  readonly now?: () => number;
};

/** @param use Everything that is read ahead has ended when it returns. */
async function withViewer(
  answer: (seen: Seen, count: number) => Response | Promise<Response>,
  use: (viewer: Viewer) => Promise<void>,
  { memoryBytes = 64 * MIB, now, ...options }: Options = {},
): Promise<void> {
  const budget = new ByteBudget(memoryBytes);
  const memory = new AnswerMemory(budget, now);
  const metrics = createMetrics();
  await withStore(answer, async (store, seen) => {
    const ask = async (target: string, { subject = "viewer", ...init }: AskInit = {}) => {
      const passed: PassedFacts = { fromClient: undefined, fromStore: undefined, stow: undefined };
      const request = new Request(`http://gateway${target}`, init);
      if (request.body !== null) request.headers.set("transfer-encoding", "chunked");
      const response = await store.forward({
        request,
        target,
        transaction: classify(init.method ?? "GET", target, request.headers),
        requestId: "request-1",
        publicUrl: undefined,
        completed: Promise.resolve(),
        passed,
        subject,
      });
      return {
        status: response.status,
        headers: [...response.headers],
        text: await response.text(),
        isFromMemory: passed.isFromMemory === true,
      };
    };
    const asked = () => seen.map(pathOf);
    try {
      await use({ store, seen, memory, budget, metrics, ask, asked });
    } finally {
      await store.close();
      memory.close();
    }
    assert.equal(budget.free, memoryBytes, "all memory was given back");
  }, { profile: FAR, metrics, answers: memory, ...options });
}

/** Waits until something is so. */
async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  const endMs = Date.now() + 20_000;
  while (!await isSo()) {
    if (Date.now() > endMs) throw new Error(`not within 20 s: ${isSo}`);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

/** Opens a series as viewers do, and waits until all of it is in memory. */
async function open({ ask, seen }: Viewer, first = [1, 2]): Promise<void> {
  await ask(METADATA);
  for (const number of first) await ask(frame(number));
  await until(() => seen.length === COUNT + 1);
  // The last bytes are read after the store has seen its request.
  await until(async () => (await ask(frame(COUNT))).isFromMemory);
}

Deno.test("ReadAhead: after two frames, the rest of the series is fetched once, and given from memory", async () => {
  await withViewer(series, async (viewer) => {
    const { ask, asked } = viewer;
    await open(viewer);
    for (let number = 1; number <= COUNT; number++) {
      const { text, isFromMemory } = await ask(frame(number));
      assert.equal(text, `pixels of ${frame(number)}`);
      assert.ok(isFromMemory, `frame ${number}`);
    }
    assert.equal((await ask(METADATA)).isFromMemory, true);
    assert.equal(asked().length, COUNT + 1);
    assert.equal(new Set(asked()).size, COUNT + 1);
  });
});

Deno.test("ReadAhead: what comes next in the direction of the viewer is fetched first", async () => {
  const ONE_AT_A_TIME = withRules(FAR, { readAheadConcurrency: 1 });
  for (const [first, next] of [[[3, 4], 5], [[6, 5], 4]] as const) {
    await withViewer(series, async (viewer) => {
      await open(viewer, [...first]);
      assert.equal(viewer.asked()[3], frame(next));
    }, { profile: ONE_AT_A_TIME });
  }
});

Deno.test("ReadAhead: one frame, as for a thumbnail, makes nothing be read ahead", async () => {
  await withViewer(series, async ({ ask, asked, metrics }) => {
    await ask(METADATA);
    await ask(frame(5));
    const { values } = await metrics.readAheadRequests.get();
    assert.deepEqual(values.map(({ value }) => value).filter((value) => value > 0), []);
    assert.equal(asked().length, 2);
  });
});

Deno.test("ReadAhead: without metadata that passed, the store is asked for its list, once", async () => {
  const LIST = `${SERIES}/instances`;
  await withViewer((seen) => pathOf(seen) === LIST ? metadata() : series(seen), async (viewer) => {
    const { ask, asked, seen } = viewer;
    await ask(frame(1));
    await ask(frame(2));
    await until(() => seen.length === COUNT + 1);
    assert.equal(asked().filter((path) => path === LIST).length, 1);
    const list = seen.find((each) => pathOf(each) === LIST)!;
    assert.equal(list.headers.get("accept"), "application/dicom+json");
  });
});

Deno.test("ReadAhead: the metadata of a study's other series is read ahead in the order of the search", async () => {
  const SEARCH = "/studies/1.2/series";
  const of = (number: number) => `${SEARCH}/1.2.${number}/metadata`;
  await withViewer((seen) =>
    Response.json(
      pathOf(seen) === SEARCH
        ? [3, 4, 5, 6].map((uid) => ({ "0020000E": { vr: "UI", Value: [`1.2.${uid}`] } }))
        : [{ path: { vr: "LO" } }],
    ), async ({ ask, seen, asked }) => {
    await ask(SEARCH);
    await ask(of(3));
    await ask(of(4));
    await until(() => seen.length === 5);
    assert.deepEqual(asked().slice(3).sort(), [of(5), of(6)]);
  });
});

Deno.test("ReadAhead: an answer from memory is that of the store, to the byte, with headers", async () => {
  let plain: Answer[] = [];
  await withViewer(series, async ({ ask }) => {
    plain = [await ask(METADATA), await ask(frame(COUNT - 1))];
  }, { answers: undefined });
  await withViewer(series, async (viewer) => {
    await open(viewer);
    const held = [await viewer.ask(METADATA), await viewer.ask(frame(COUNT - 1))];
    assert.ok(held.every(({ isFromMemory }) => isFromMemory));
    const bare = (answers: Answer[]) =>
      answers.map(({ isFromMemory: _, headers, ...rest }) => ({
        ...rest,
        // The store's clock goes on.
        headers: headers.filter(([name]) => name !== "date"),
      }));
    assert.deepEqual(bare(held), bare(plain));
  });
});

Deno.test("ReadAhead: identical requests under way are one at the store, also if the first client leaves", async () => {
  const begun = Promise.withResolvers<void>();
  const release = Promise.withResolvers<void>();
  await withViewer(async (seen) => {
    begun.resolve();
    await release.promise;
    return series(seen);
  }, async ({ ask, asked }) => {
    const leaving = new AbortController();
    const first = ask(frame(1), { signal: leaving.signal });
    await begun.promise;
    const others = [ask(frame(1)), ask(frame(1))];
    leaving.abort();
    await assert.rejects(first);
    release.resolve();
    for (const { text, isFromMemory } of await Promise.all(others)) {
      assert.equal(text, `pixels of ${frame(1)}`);
      assert.ok(isFromMemory);
    }
    assert.deepEqual(asked(), [frame(1)]);
  });
});

Deno.test("ReadAhead: a request ends at the store when all clients that want it have left", async () => {
  const gone = Promise.withResolvers<void>();
  const body = new ReadableStream({
    pull: (controller) => controller.enqueue(new Uint8Array(10)),
    cancel: () => gone.resolve(),
  }, { highWaterMark: 0 });
  await withViewer(() => new Response(body), async ({ store }) => {
    const leaving = new AbortController();
    const response = await store.forward({
      request: new Request("http://gateway/", { signal: leaving.signal }),
      target: frame(1),
      transaction: classify("GET", frame(1)),
      requestId: "request-1",
      publicUrl: undefined,
      completed: Promise.resolve(),
    });
    await response.body!.getReader().cancel();
    await gone.promise;
  }, { memoryBytes: MIB });
});

Deno.test("ReadAhead: a joined client makes its own request if the other's answer is none to keep", async () => {
  for (const headers of [{ "cache-control": "no-store" }, {}]) {
    const begun = Promise.withResolvers<void>();
    const release = Promise.withResolvers<void>();
    await withViewer(async () => {
      begun.resolve();
      await release.promise;
      return new Response("no", { status: "cache-control" in headers ? 200 : 500, headers });
    }, async ({ ask, asked }) => {
      const both = [ask(frame(1)), begun.promise.then(() => ask(frame(1)))];
      await begun.promise;
      release.resolve();
      for (const { text } of await Promise.all(both)) assert.equal(text, "no");
      assert.equal(asked().length, 2);
    });
  }
});

/** Headers of a store's answer that forbid that it is given again. */
const NOT_KEPT: Readonly<Record<string, Record<string, string>>> = {
  "no-store": { "cache-control": "private, No-Store" },
  "no-cache": { "cache-control": "no-cache" },
  "max-age=0": { "cache-control": "max-age=0" },
  "an age that is max-age": { "cache-control": "max-age=9", age: "9" },
  "Pragma": { pragma: "no-cache" },
  "Expires in the past": { expires: "0" },
  "Vary: *": { vary: "*" },
  "a Vary by what is not compared": { vary: "Accept, User-Agent" },
};

for (const [what, headers] of Object.entries(NOT_KEPT)) {
  Deno.test(`ReadAhead: an answer with ${what} is given once, and the series not read ahead`, async () => {
    await withViewer((seen) => {
      const path = pathOf(seen);
      return path === METADATA ? metadata() : new Response("pixels", { headers });
    }, async ({ ask, memory, metrics }) => {
      await ask(METADATA);
      for (const number of [1, 2, 1, 2]) {
        assert.equal((await ask(frame(number))).isFromMemory, false);
      }
      const heldBefore = memory.bytes;
      assert.equal((await ask(METADATA)).isFromMemory, true);
      assert.equal(memory.bytes, heldBefore);
      const { values } = await metrics.readAheadRequests.get();
      assert.ok((values[0]?.value ?? 0) <= 1);
    });
  });
}

/** Answers of which nothing is kept. */
const FAULTY: Readonly<Record<string, () => Response>> = {
  "shorter than its length": () =>
    new Response(
      new ReadableStream({
        start(controller) {
          controller.enqueue(new Uint8Array(4));
          controller.close();
        },
      }),
      { headers: { "content-length": "9" } },
    ),
  "cut off in its multipart": () =>
    new Response("--b\r\n\r\nhalf", {
      headers: { "content-type": "multipart/related; boundary=b" },
    }),
  "of status 206": () => new Response("part", { status: 206 }),
  "of status 500": () => new Response("error", { status: 500 }),
  "longer than a quarter of the memory": () => new Response(new Uint8Array(MIB)),
};

for (const [what, answer] of Object.entries(FAULTY)) {
  Deno.test(`ReadAhead: an answer ${what} leaves nothing in memory`, async () => {
    await withViewer(
      (seen) => pathOf(seen) === METADATA ? metadata() : answer(),
      async (viewer) => {
        const { ask, memory } = viewer;
        await ask(METADATA);
        const before = memory.bytes;
        for (const number of [1, 2, 3]) await ask(frame(number)).catch(() => {});
        assert.equal(memory.bytes, before);
        assert.equal(
          await ask(frame(3)).then(({ isFromMemory }) => isFromMemory, () => false),
          false,
        );
      },
      { memoryBytes: 2 * MIB },
    );
  });
}

Deno.test("ReadAhead: a conditional request is answered by the tag in memory", async () => {
  await withViewer(series, async (viewer) => {
    const { ask, asked } = viewer;
    await open(viewer);
    for (
      const [tags, status] of [['"tag"', 304], ['W/"tag"', 304], ['"x", "tag"', 304], ["*", 304], [
        '"x"',
        200,
      ]] as const
    ) {
      const answer = await ask(frame(5), { headers: { "if-none-match": tags } });
      assert.deepEqual([answer.status, answer.isFromMemory], [status, true], tags);
      assert.equal(answer.text, status === 304 ? "" : `pixels of ${frame(5)}`);
    }
    assert.equal(asked().length, COUNT + 1);
  });
});

/** Requests that only the store can answer, or that choose another representation. */
const BY_STORE: readonly [what: string, init: AskInit][] = [
  ["a range", { headers: { range: "bytes=0-1" } }],
  ["Cache-Control: no-cache of a client that reloads", {
    headers: { "cache-control": "no-cache" },
  }],
  ["another Accept", { headers: { accept: "image/jpeg" } }],
  ["an API key for the store", { headers: { "x-store-key": "other" } }],
  ["HEAD", { method: "HEAD" }],
];

for (const [what, init] of BY_STORE) {
  Deno.test(`ReadAhead: ${what} is not answered from memory`, async () => {
    await withViewer(series, async (viewer) => {
      await open(viewer);
      const before = viewer.seen.length;
      assert.equal((await viewer.ask(frame(5), init)).isFromMemory, false);
      assert.ok(viewer.seen.length > before);
    });
  });
}

Deno.test("ReadAhead: an answer for one client (private) is given to no other one", async () => {
  const answer = (seen: Seen) =>
    pathOf(seen) === METADATA
      ? metadata()
      : new Response("pixels", { headers: { "cache-control": "private, max-age=60" } });
  await withViewer(answer, async (viewer) => {
    await open(viewer);
    assert.equal((await viewer.ask(frame(5), { subject: "viewer" })).isFromMemory, true);
    assert.equal((await viewer.ask(frame(5), { subject: "other" })).isFromMemory, false);
  });
  await withViewer(series, async (viewer) => {
    await open(viewer);
    assert.equal((await viewer.ask(frame(5), { subject: "other" })).isFromMemory, true);
  });
});

/** Requests after which nothing of study 1.2 is given from memory. */
const CHANGES: readonly [what: string, target: string, init: AskInit, status: number][] = [
  ["a STOW without a study", "/studies", { method: "POST", body: "x" }, 409],
  ["a STOW into the study", "/studies/1.2", { method: "POST", body: "x" }, 409],
  ["the deletion of the study", "/studies/1.2", { method: "DELETE" }, 204],
  ["the deletion of an instance", `${SERIES}/instances/1.2.3.4`, { method: "DELETE" }, 204],
  ["a request of unknown kind", "/anything", { method: "POST", body: "x" }, 200],
  ["401", "/studies", {}, 401],
  ["403 for the study", "/studies/1.2/series", {}, 403],
  ["404 for the study", "/studies/1.2", {}, 404],
  ["410 for the instance", `${SERIES}/instances/1.2.3.5`, {}, 410],
];

for (const [what, target, init, status] of CHANGES) {
  Deno.test(`ReadAhead: ${what} drops what is in memory`, async () => {
    await withViewer(
      (seen) =>
        seen.method !== "GET" || pathOf(seen) === target
          ? new Response(null, { status })
          : series(seen),
      async (viewer) => {
        await open(viewer);
        await viewer.ask(target, init);
        assert.equal((await viewer.ask(frame(5))).isFromMemory, false);
      },
    );
  });
}

Deno.test("ReadAhead: a change of another study drops nothing", async () => {
  await withViewer(
    (seen) => seen.method === "GET" ? series(seen) : new Response(null),
    async (viewer) => {
      await open(viewer);
      await viewer.ask("/studies/9.9", { method: "DELETE" });
      assert.equal((await viewer.ask(frame(5))).isFromMemory, true);
    },
  );
});

Deno.test("ReadAhead: what was under way when its study changed is not kept", async () => {
  const begun = Promise.withResolvers<void>();
  const release = Promise.withResolvers<void>();
  await withViewer(async (seen) => {
    if (seen.method === "DELETE") return new Response(null, { status: 204 });
    begun.resolve();
    await release.promise;
    return series(seen);
  }, async ({ ask, memory }) => {
    const old = ask(frame(1));
    await begun.promise;
    await ask("/studies/1.2", { method: "DELETE" });
    release.resolve();
    assert.equal((await old).text, `pixels of ${frame(1)}`);
    assert.equal(memory.bytes, 0);
    assert.equal((await ask(frame(1))).isFromMemory, false);
  });
});

Deno.test("ReadAhead: a study deleted while it is read ahead is read no further, and its 404 passes", async () => {
  let isDeleted = false;
  const ONE_AT_A_TIME = withRules(FAR, { readAheadConcurrency: 1 });
  await withViewer((seen) => {
    if (pathOf(seen) === METADATA) return metadata();
    if (pathOf(seen) === frame(4)) isDeleted = true;
    return isDeleted ? new Response("gone", { status: 404 }) : series(seen);
  }, async ({ ask, asked, seen, memory }) => {
    await ask(METADATA);
    await ask(frame(1));
    await ask(frame(2));
    await until(() => asked().includes(frame(4)));
    const answer = await ask(frame(6));
    assert.deepEqual([answer.status, answer.text, answer.isFromMemory], [404, "gone", false]);
    await until(() => seen.length === 6);
    assert.equal((await ask(frame(7))).status, 404);
    assert.ok(memory.bytes > 0, "what the store still has is not dropped");
  }, { profile: ONE_AT_A_TIME });
});

Deno.test("ReadAhead: a client never waits for a place that reading ahead has", async () => {
  const waiting: (() => void)[] = [];
  await withViewer(async (seen) => {
    const path = pathOf(seen);
    if (/\/1\.2\.3\.([3-9]|1\d)\/frames/.test(path)) {
      await new Promise<void>((resolve) => waiting.push(resolve));
    }
    return series(seen);
  }, async ({ ask, seen }) => {
    await ask(METADATA);
    await ask(frame(1));
    await ask(frame(2));
    // Two places, and no queue.
    await until(() => seen.length === 5);
    assert.equal((await ask("/studies")).status, 200);
    for (const release of waiting.splice(0)) release();
  }, { storeResilience: { maxConcurrent: 2, maxQueued: 0 } });
});

for (const status of [429, 503]) {
  Deno.test(`ReadAhead: a ${status} stops reading ahead at once, without a retry`, async () => {
    const retry = { ...NEVER_RETRY.retry, maxAttempts: 5 };
    const ONE_AT_A_TIME = withRules(FAR, { readAheadConcurrency: 1 });
    await withViewer(
      (seen) => pathOf(seen) === frame(3) ? new Response(null, { status }) : series(seen),
      async ({ ask, asked, seen }) => {
        await ask(METADATA);
        await ask(frame(1));
        await ask(frame(2));
        await until(() => asked().includes(frame(3)));
        await ask(frame(8));
        await ask(frame(9));
        assert.equal(seen.length, 6, asked().join());
      },
      { profile: ONE_AT_A_TIME, storeResilience: { retry } },
    );
  });
}

Deno.test("ReadAhead: what is kept gives way to parallel retrieval, and the memory is never exceeded", async () => {
  await withViewer(series, async (viewer) => {
    await open(viewer);
    const { budget, memory } = viewer;
    assert.ok(memory.bytes > 0);
    assert.equal(budget.left, 64 * MIB);
    assert.ok(budget.take(64 * MIB));
    assert.equal(memory.bytes, 0);
    assert.equal((await viewer.ask(frame(5))).text, `pixels of ${frame(5)}`);
    assert.equal(memory.bytes, 0);
    budget.give(64 * MIB);
  });
});

Deno.test("ReadAhead: an answer expires after minutes, metadata sooner", async () => {
  let nowMs = 0;
  await withViewer(series, async (viewer) => {
    await viewer.ask(frame(1));
    await viewer.ask(METADATA);
    nowMs += 61_000;
    assert.equal((await viewer.ask(frame(1))).isFromMemory, true);
    assert.equal((await viewer.ask(METADATA)).isFromMemory, false);
    nowMs += 120_000;
    viewer.memory.sweep();
    assert.equal((await viewer.ask(frame(1))).isFromMemory, false);
  }, { now: () => nowMs });
});

Deno.test("ReadAhead: a near store is asked every time", async () => {
  await withViewer(series, async ({ ask, asked, memory }) => {
    for (const number of [1, 2, 1, 2]) await ask(frame(number));
    assert.equal(asked().length, 4);
    assert.equal(memory.bytes, 0);
  }, { profile: profiles.generic });
});

Deno.test("ReadAhead: a client without the permission is given nothing from memory, and each request is recorded", async () => {
  await withViewer(series, async ({ store, asked }) => {
    const events: AuditEvent[] = [];
    let subject = "user:reader";
    const { ask } = gatewayApp({
      stores: new Map([["main", store]]),
      // A new object each time: permissions are cached by it.
      authenticator: { identify: () => ({ subject, roles: [] }) },
      access: new AccessRules({
        permissions: [{ subjects: ["user:reader"], servers: ["main"], rights: ["retrieve"] }],
        servers: ["main"],
        readOnly: new Set(),
      }),
      audit: {
        trail: { isRefusing: false, record: (event) => events.push(event) },
        nameUid: (uid) => uid ?? null,
      },
    });
    const statusFor = async (who: string) => {
      subject = who;
      const response = await ask(`/dicom-web/main${frame(1)}`);
      await response.text();
      return response.status;
    };
    assert.deepEqual(
      [await statusFor("user:reader"), await statusFor("user:reader"), await statusFor("user:x")],
      [200, 200, 403],
    );
    assert.deepEqual(asked(), [frame(1)]);
    assert.deepEqual(
      events.map(({ subject, served, status }) => [subject, served, status]),
      [
        ["user:reader", undefined, 200],
        ["user:reader", "memory", 200],
        ["user:x", undefined, 403],
      ],
    );
  });
});
