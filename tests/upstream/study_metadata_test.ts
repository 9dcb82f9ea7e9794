import { someMemory } from "../fixtures/holding_room.ts";
import assert from "node:assert/strict";
import { profiles } from "../../src/dicomweb/profile/profile.ts";
import { classify } from "../../src/dicomweb/transaction/transaction.ts";
import { dispatch } from "../../src/upstream/dispatch.ts";
import { Pace } from "../../src/upstream/pace.ts";
import { MemoryLogger } from "../fixtures/memory_logger.ts";
import { exchangeWith, type TestExchange } from "../fixtures/store_exchange.ts";

const STUDY = "/studies/1.2.9";

/** Instances by series. */
type Study = Readonly<Record<string, number>>;

interface Behaviour {
  /** Replaces the store's response for the metadata of a series. */
  readonly metadata?: (series: string) => Response | undefined;
  /** Replaces what the store counts in a series. */
  readonly count?: number;
}

/** A store that has the metadata of series only, as HealthImaging. */
function store(study: Study, { metadata, count }: Behaviour = {}) {
  return ({ target }: { readonly target: string }): Response => {
    const { pathname, searchParams } = new URL(target, "http://store");
    if (pathname === `${STUDY}/series`) {
      const offset = Number(searchParams.get("offset") ?? 0);
      const series = Object.entries(study).map(([uid, instances]) => ({
        "0020000E": { vr: "UI", Value: [uid] },
        "00201209": { vr: "IS", Value: [count ?? instances] },
      }));
      return Response.json(series.slice(offset, offset + 2));
    }
    const [, , , , uid = "", last] = pathname.split("/");
    if (last !== "metadata") return new Response(null, { status: 404 });
    return metadata?.(uid) ?? Response.json(datasets(uid, study[uid]!));
  };
}

function datasets(series: string, count: number) {
  return Array.from({ length: count }, (_, index) => ({
    "00080018": { vr: "UI", Value: [`${series}.${index}`] },
  }));
}

function ask(exchange: TestExchange, accept: string | null = null): Promise<Response> {
  return dispatch(exchange, classify("GET", exchange.target), {
    rules: profiles.aws.rules,
    pace: new Pace(0),
    memory: someMemory(),
    accept,
    server: "main",
    storeUrl: "http://store",
    logger: new MemoryLogger(),
  });
}

/** Metadata of more than a piece of the response in each series, and of none in one. */
const LARGE: Study = { "1.1": 3000, "1.2": 0, "1.3": 2000, "1.4": 1, "1.5": 7 };

Deno.test("retrieveMetadataBySeries: the metadata of a study is that of its series, in order", async () => {
  const exchange = exchangeWith(`${STUDY}/metadata`, store(LARGE), {
    headers: { "if-none-match": '"a"' },
  });
  const response = await ask(exchange);
  assert.equal(response.status, 200);
  assert.equal(response.headers.get("content-type"), "application/dicom+json");
  assert.deepEqual(
    await response.json(),
    Object.entries(LARGE).flatMap(([uid, count]) => datasets(uid, count)),
  );
  for (const { headers } of exchange.sent) {
    assert.equal(headers.get("accept"), "application/dicom+json");
    assert.equal(headers.get("if-none-match"), null);
  }
});

Deno.test("retrieveMetadataBySeries: only the metadata of studies, and of stores with the rule", async () => {
  for (
    const target of [`${STUDY}/series/1.1/metadata`, `${STUDY}/series/1.1/instances/1/metadata`]
  ) {
    const exchange = exchangeWith(target, store({ "1.1": 1 }));
    await (await ask(exchange)).body?.cancel();
    assert.deepEqual(exchange.sent.map((sent) => sent.target), [target]);
  }
  assert.equal(profiles.generic.rules.metadataBySeries, false);
});

Deno.test("retrieveMetadataBySeries: the client's query is part of each request for metadata", async () => {
  const study = store({ "1.1": 1, "1.2": 2, "1.3": 1 }, {
    metadata: (uid) => uid === "1.2" ? undefined : new Response("none", { status: 404 }),
  });
  const exchange = exchangeWith(`${STUDY}/metadata?imageSetId=a%2Fb&accept=*/*`, study);
  // An image set is in one of the series.
  assert.deepEqual(await (await ask(exchange)).json(), datasets("1.2", 2));
  const targets = exchange.sent.map(({ target }) => target);
  assert(targets.includes(`${STUDY}/series/1.2/metadata?imageSetId=a%2Fb`));
  assert(targets.every((target) => !target.includes("accept=")));
});

/** The client's `Accept`, and the status for it. */
const ACCEPTS: readonly [accept: string | null, status: number][] = [
  [null, 200],
  ["*/*", 200],
  ['application/dicom+json, multipart/related; type="application/dicom+xml"', 200],
  ['multipart/related; type="application/dicom+xml"', 406],
];

for (const [accept, status] of ACCEPTS) {
  Deno.test(`retrieveMetadataBySeries: Accept ${accept} is ${status}`, async () => {
    const exchange = exchangeWith(`${STUDY}/metadata`, store({ "1.1": 1 }));
    const answer = ask(exchange, accept);
    if (status === 200) return assert.equal((await (await answer).json()).length, 1);
    await assert.rejects(answer, { code: "NET-005", status });
    assert.deepEqual(exchange.sent, []);
  });
}

/** A study and the store's behaviour, and the status of the response. */
const NOT_FOUND: readonly [what: string, study: Study, behaviour: Behaviour, status: number][] = [
  ["a study without series", {}, {}, 404],
  ["series without instances", { "1.1": 0, "1.2": 0 }, {}, 404],
  [
    "a first series that is forbidden",
    { "1.1": 1, "1.2": 1 },
    { metadata: () => new Response("no", { status: 403 }) },
    403,
  ],
];

for (const [what, study, behaviour, status] of NOT_FOUND) {
  Deno.test(`retrieveMetadataBySeries: ${what} is ${status}`, async () => {
    const response = await ask(exchangeWith(`${STUDY}/metadata`, store(study, behaviour)));
    assert.equal(response.status, status);
    await response.body?.cancel();
  });
}

const CUT: readonly [what: string, behaviour: Behaviour, message: RegExp][] = [
  [
    "a later series that fails",
    { metadata: (uid) => uid === "1.2" ? new Response("", { status: 500 }) : undefined },
    /store answered 500 for a series/,
  ],
  [
    "a later series that is gone",
    { metadata: (uid) => uid === "1.2" ? new Response("", { status: 404 }) : undefined },
    /store answered 404 for a series/,
  ],
  [
    "a series that is cut off",
    { metadata: (uid) => uid === "1.2" ? new Response('[{"a":1}') : undefined },
    /./,
  ],
  [
    "fewer instances than the store counts",
    { count: 2001 },
    /counts 2001 instances of a series and names 2000/,
  ],
];

for (const [what, behaviour, message] of CUT) {
  Deno.test(`retrieveMetadataBySeries: ${what} makes the transfer fail`, async () => {
    const study = store({ "1.1": 2000, "1.2": 2000 }, behaviour);
    const response = await ask(exchangeWith(`${STUDY}/metadata`, study));
    assert.equal(response.status, 200);
    await assert.rejects(response.text(), message);
  });
}

Deno.test("retrieveMetadataBySeries: series are requested ahead within the limit, and cancelled with the client", async () => {
  const study = Object.fromEntries(Array.from({ length: 40 }, (_, index) => [`1.${index}`, 2000]));
  let cancelled = 0;
  const exchange = exchangeWith(
    `${STUDY}/metadata`,
    store(study, {
      metadata: (uid) => {
        const bytes = new TextEncoder().encode(JSON.stringify(datasets(uid, 2000)));
        return new Response(
          new ReadableStream({
            pull: (controller) => controller.enqueue(bytes),
            cancel: () => void cancelled++,
          }, { highWaterMark: 0 }),
        );
      },
    }),
  );
  const response = await ask(exchange);
  const requested = () => exchange.sent.filter(({ target }) => target.endsWith("/metadata")).length;
  assert.equal(requested(), profiles.aws.rules.retrieveConcurrency);
  await response.body!.cancel();
  assert.equal(requested(), profiles.aws.rules.retrieveConcurrency);
  assert.equal(cancelled, requested());
});
