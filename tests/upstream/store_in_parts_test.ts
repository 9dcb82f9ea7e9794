import assert from "node:assert/strict";
import type { RawExchange } from "../fixtures/raw_origin.ts";
import { RawClient } from "../fixtures/raw_client.ts";
import {
  BOUNDARY,
  bytes,
  hashes,
  inPiecesOf,
  instances,
  STOW_TYPE,
  stowBody,
} from "../fixtures/stow_request.ts";
import { textOf } from "../../src/dicomweb/dicom_json.ts";
import { REPORT_TYPES } from "../../src/dicomweb/stow/stow_report_body.ts";
import { readStowAnswer } from "../../src/dicomweb/stow/stow_response.ts";
import { profiles, withRules } from "../../src/dicomweb/profile/profile.ts";
import { classify } from "../../src/dicomweb/transaction/transaction.ts";
import type { SplittingRules } from "../../src/upstream/batch_splitter.ts";
import { needsSplitting } from "../../src/upstream/store_in_parts.ts";
import { readResult, withSplitStore } from "./split_store.ts";
import { withStore } from "./store_harness.ts";

/** A request's headers, the limits of one request, and whether it has to be split. */
const NEEDS: [
  what: string,
  headers: Record<string, string>,
  rules: Partial<SplittingRules>,
  needs: boolean,
][] = [
  ["no bounds", {}, {}, false],
  ["of unknown length", {}, { maxBytes: 1_000 }, true],
  ["as long as one may be", { "content-length": "1000" }, { maxBytes: 1_000 }, false],
  ["longer", { "content-length": "1001" }, { maxBytes: 1_000 }, true],
  ["perhaps of too many instances", { "content-length": "10000" }, { maxInstances: 10 }, true],
  ["too short for too many instances", { "content-length": "1000" }, { maxInstances: 10 }, false],
  ["too long, though of few instances", { "content-length": "1000" }, {
    maxBytes: 1,
    maxInstances: 10,
  }, true],
  [
    "type without quotes",
    { "content-type": "multipart/related; type=application/dicom; boundary=b" },
    { maxBytes: 1 },
    true,
  ],
  [
    "metadata and bulk data",
    { "content-type": 'multipart/related; type="application/dicom+json"; boundary=b' },
    { maxBytes: 1 },
    false,
  ],
  ["one instance", { "content-type": "application/dicom" }, { maxBytes: 1 }, false],
  ["no boundary", { "content-type": 'multipart/related; type="application/dicom"' }, {
    maxBytes: 1,
  }, false],
  ["no type of parts", { "content-type": "multipart/related; boundary=b" }, { maxBytes: 1 }, false],
  ["an encoded body", { "content-encoding": "gzip" }, { maxBytes: 1 }, false],
  ["a body that is encoded in nothing", { "content-encoding": "identity" }, { maxBytes: 1 }, true],
];

for (const [what, headers, rules, needs] of NEEDS) {
  Deno.test(`needsSplitting: ${what}: ${needs}`, () => {
    const all = new Headers({ "content-type": STOW_TYPE, ...headers });
    assert.equal(needsSplitting(all, { maxBytes: 0, maxInstances: 0, ...rules }), needs);
  });
}

Deno.test("storeInParts stores all instances in requests within the byte limit", async () => {
  const all = instances(30);
  await withSplitStore({ maxBytes: 10_000 }, { maxBytes: 10_000 }, async ({ origin, store }) => {
    const { status, stored, failed, headers } = await store(stowBody(all));
    assert.deepEqual([status, failed], [200, []]);
    assert.equal(headers.get("content-type"), "application/dicom+json");
    assert.deepEqual(stored, all.map(({ uid }) => uid));
    assert.deepEqual(origin.stored, hashes(all));
    // None had room for one more.
    const one = all[0]!.file.length;
    for (const { bytes } of origin.requests.slice(0, -1)) assert.ok(bytes > 10_000 - one - 200);
  });
});

Deno.test("storeInParts fills a request to its last byte, and not beyond", async () => {
  const all = instances(4);
  const two = [...stowBody(all.slice(0, 2), { end: `--${BOUNDARY}--\r\n` })]
    .reduce((length, piece) => length + piece.length, 0);
  for (const [maxBytes, each] of [[two, 2], [two - 1, 1]] as const) {
    await withSplitStore({ maxBytes }, { maxBytes }, async ({ origin, store }) => {
      const { status } = await store(stowBody(all));
      assert.equal(status, 200);
      assert.deepEqual(
        origin.requests.map(({ instances }) => instances),
        new Array(4 / each).fill(each),
      );
      assert.deepEqual(origin.stored, hashes(all));
    });
  }
});

Deno.test("storeInParts stores 1,000 instances, 100 a request, as Orthanc sends them", async () => {
  const all = instances(1_000);
  await withSplitStore(
    { maxInstances: 100 },
    { maxInstances: 100 },
    async ({ origin, store }) => {
      const { status, stored } = await store(inPiecesOf(stowBody(all), 65_524));
      assert.equal(status, 200);
      assert.deepEqual(stored, all.map(({ uid }) => uid));
      assert.deepEqual(origin.stored, hashes(all));
      assert.deepEqual(origin.requests.map(({ instances }) => instances), new Array(10).fill(100));
    },
  );
});

Deno.test("storeInParts stores instances that arrive in pieces of any size, whatever they contain", async () => {
  const all = instances(8);
  // Content that looks like delimiters: other boundaries, and the same one in the middle of a line.
  const lures = [
    `\r\n--${BOUNDARY}x\r\n`,
    `--${BOUNDARY}`,
    "\r\n--",
    `\r\n--${BOUNDARY.slice(0, -1)}`,
  ];
  for (const [at, { file }] of all.entries()) file.set(bytes(lures[at % lures.length]!), 1_000);
  for (const size of [1, 13, 511, 4_096]) {
    await withSplitStore({ maxBytes: 5_000 }, { maxBytes: 5_000 }, async ({ origin, store }) => {
      const { status } = await store(inPiecesOf(stowBody(all), size));
      assert.equal(status, 200);
      assert.deepEqual(origin.stored, hashes(all));
    });
  }
});

Deno.test("storeInParts keeps the byte limit if parts do not state their length", async () => {
  const all = instances(40);
  await withSplitStore({ maxBytes: 20_000 }, { maxBytes: 20_000 }, async ({ origin, store }) => {
    const { status, stored } = await store(stowBody(all, { withLength: false }));
    assert.deepEqual([status, stored.length], [200, 40]);
    assert.deepEqual(origin.stored, hashes(all));
    assert.ok(origin.requests.length < 30, "several share a request all the same");
  });
});

Deno.test("storeInParts sends an instance that is too long alone, and names it", async () => {
  const all = instances(5);
  const [long] = instances(6, 400).slice(5);
  const mixed = [...all.slice(0, 2), long!, ...all.slice(2)];
  for (const withLength of [true, false]) {
    await withSplitStore({ maxBytes: 20_000 }, { maxBytes: 20_000 }, async ({ origin, store }) => {
      const { status, stored, failed, text } = await store(stowBody(mixed, { withLength }));
      assert.deepEqual([status, failed], [202, ["1.2.3.6=42752"]]);
      assert.deepEqual(stored, all.map(({ uid }) => uid));
      assert.ok(text.includes("Store answered 413"));
      assert.deepEqual(origin.stored, hashes(all));
    });
  }
});

Deno.test("storeInParts requests JSON, and sends no digest of the whole request with a part", async () => {
  const all = instances(4);
  await withSplitStore({}, { maxInstances: 2 }, async ({ origin, store }) => {
    await store(stowBody(all), {
      accept: "application/dicom+xml, application/dicom+json",
      "x-request-id": "r1",
      "content-md5": "x",
      digest: "sha-256=x",
    });
    assert.equal(origin.requests.length, 2);
    for (const { headers } of origin.requests) {
      assert.equal(headers.get("accept"), "application/dicom+json");
      assert.equal(headers.get("content-type"), STOW_TYPE);
      assert.equal(headers.get("x-request-id"), "r1");
      assert.equal(headers.get("content-md5"), null);
      assert.equal(headers.get("digest"), null);
    }
  });
});

Deno.test("storeInParts sends a request without instances as it is", async () => {
  await withSplitStore({}, { maxBytes: 1_000 }, async ({ origin, store }) => {
    const { status, text } = await store(stowBody([]));
    assert.deepEqual([status, text], [204, ""]);
    assert.deepEqual(origin.requests.map(({ instances }) => instances), [0]);
  });
});

Deno.test("storeInParts: duplicates at an Azure store are 200 if configured", async () => {
  const all = instances(6);
  const options = { maxInstances: 2, duplicateReasons: [45070] };
  await withSplitStore({}, options, async ({ store }) => {
    await store(stowBody(all.slice(0, 3)));
    const again = await store(stowBody(all));
    assert.deepEqual([again.status, again.failed], [200, []]);
    assert.deepEqual([...again.stored].sort(), all.map(({ uid }) => uid));
  });
  await withSplitStore({}, { maxInstances: 2 }, async ({ store }) => {
    await store(stowBody(all.slice(0, 3)));
    const again = await store(stowBody(all));
    assert.equal(again.status, 202);
    assert.deepEqual(again.failed, ["1.2.3.1=45070", "1.2.3.2=45070", "1.2.3.3=45070"]);
  });
});

Deno.test("storeInParts: a Google store accepts the same instance again, and other content stays a failure", async () => {
  const all = instances(4);
  const changed = [...all.slice(0, 3), ...instances(4, 16, 7).slice(3)];
  const options = { maxInstances: 1, duplicateReasons: [45070] };
  await withSplitStore({ vendor: "google" }, options, async ({ origin, store }) => {
    assert.equal((await store(stowBody(all))).status, 200);
    assert.equal((await store(stowBody(all))).status, 200);
    const { status, stored, failed, text } = await store(stowBody(changed));
    assert.equal(status, 202);
    assert.deepEqual(stored, ["1.2.3.1", "1.2.3.2", "1.2.3.3"]);
    // The store does not name it; it was alone in its request.
    assert.deepEqual(failed, ["1.2.3.4=272"]);
    assert.ok(text.includes("already exists"), "the store's own words are kept");
    assert.deepEqual(origin.stored, hashes(all));
  });
});

Deno.test("storeInParts does not believe 200 without a report", async () => {
  const play = async (exchange: RawExchange, count: number) => {
    if (count !== 2) return false;
    for await (const _ of exchange.body());
    await exchange.answer(200);
    return true;
  };
  await withSplitStore({ play }, { maxInstances: 2, concurrency: 1 }, async ({ store }) => {
    const { status, stored, failed, text } = await store(stowBody(instances(5)));
    assert.deepEqual([status, stored], [202, ["1.2.3.1", "1.2.3.2", "1.2.3.5"]]);
    assert.deepEqual(failed, ["1.2.3.3=272", "1.2.3.4=272"]);
    assert.ok(text.includes("Store answered 200 without a report"));
  });
});

Deno.test("storeInParts sends as many requests at once as allowed", async () => {
  const all = instances(12);
  for (const concurrency of [1, 3]) {
    let waiting = 0;
    const release = Promise.withResolvers<void>();
    await withSplitStore(
      {
        async play() {
          // The store delays its responses until as many requests as allowed have arrived.
          if (++waiting === concurrency) release.resolve();
          await release.promise;
          return false;
        },
      },
      { maxInstances: 2, concurrency },
      async ({ origin, store }) => {
        const { status, stored } = await store(stowBody(all));
        assert.deepEqual([status, stored], [200, all.map(({ uid }) => uid)]);
        assert.ok(origin.mostAtOnce <= concurrency, `${origin.mostAtOnce} at once`);
      },
    );
  }
});

Deno.test("storeInParts reads a chunked request, as Orthanc sends it", async () => {
  const all = instances(20);
  await withSplitStore({ maxBytes: 9_000 }, { maxBytes: 9_000 }, async ({ origin, gateway }) => {
    using client = await RawClient.connect(gateway.url);
    await client.write(client.head("POST", "/studies", {
      "accept": "application/dicom+json",
      "content-type": STOW_TYPE,
      "transfer-encoding": "chunked",
    }));
    await client.writeChunked(inPiecesOf(stowBody(all), 65_524));
    const answer = await client.answerText();
    const { status, stored } = readResult(answer.status, answer.headers, answer.text);
    assert.deepEqual([status, stored.length], [200, 20]);
    assert.deepEqual(origin.stored, hashes(all));
  });
});

/** A store's report on one instance. */
const REPORTS: Record<string, (uid: string, url: string) => string> = {
  "application/dicom+json": (uid, url) =>
    JSON.stringify({
      "00081199": {
        vr: "SQ",
        Value: [{
          "00081155": { vr: "UI", Value: [uid] },
          "00081190": { vr: "UR", Value: [url] },
        }],
      },
    }),
  "application/dicom+xml": (uid, url) =>
    '<NativeDicomModel><DicomAttribute tag="00081199" vr="SQ"><Item number="1">' +
    `<DicomAttribute tag="00081155" vr="UI"><Value number="1">${uid}</Value></DicomAttribute>` +
    `<DicomAttribute tag="00081190" vr="UR"><Value number="1">${url}</Value></DicomAttribute>` +
    "</Item></DicomAttribute></NativeDicomModel>",
};

const FORMATS = Object.keys(REPORTS).flatMap((type) =>
  Object.values(REPORT_TYPES).map((accept) => [type, accept] as const)
);

for (const [type, accept] of FORMATS) {
  const report = REPORTS[type]!;
  Deno.test(`storeInParts translates the store's URLs in parts answered in ${type}, and no others, in ${accept}`, async () => {
    const all = instances(4);
    const foreign = "https://other.example/dicom-web/studies/1";
    for (const rewriteUrls of [true, false]) {
      const urls = ["absolute", foreign, "/dicom-web/rooted", "../dicom-web/relative"];
      await withStore(
        ({ body }) => {
          const at = all.findIndex(({ uid }) => body.includes(`${uid}\0`));
          return new Response(report(all[at]!.uid, urls[at]!), {
            headers: { "content-type": type },
          });
        },
        async (store) => {
          urls[0] = `${store.url}/absolute`;
          const response = await store.forward({
            request: new Request("http://gateway.example/studies", {
              method: "POST",
              headers: { accept, "content-type": STOW_TYPE },
              body: ReadableStream.from(stowBody(all)),
            }),
            target: "/studies",
            transaction: classify("POST", "/studies"),
            requestId: "1",
            publicUrl: "https://gateway.example",
            completed: Promise.resolve(),
          });
          assert.equal(response.headers.get("content-type"), accept);
          const answer = readStowAnswer(await response.text(), accept);
          assert(answer.kind === "report" && REPORT_TYPES[answer.format] === accept);
          const base = "https://gateway.example/dicom-web/main";
          assert.deepEqual(
            answer.report.stored.map((item) => textOf(item, "00081190")),
            rewriteUrls
              ? [`${base}/absolute`, foreign, `${base}/rooted`, `${base}/relative`]
              : urls,
          );
        },
        { profile: withRules(profiles.generic, { storeMaxInstances: 1, rewriteUrls }) },
      );
    }
  });
}
