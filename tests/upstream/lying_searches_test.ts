/**
 * Stores that leave out or repeat results, or contradict themselves: a search and a retrieval by instance return
 * everything, or visibly fail.
 */
import { someMemory } from "../fixtures/holding_room.ts";
import assert from "node:assert/strict";
import { boundaryOf, readMultipart } from "../../src/dicomweb/multipart/multipart_reader.ts";
import { classify } from "../../src/dicomweb/transaction/transaction.ts";
import { Pace } from "../../src/upstream/pace.ts";
import { retrieveByInstance } from "../../src/upstream/retrieve_by_instance.ts";
import { searchInPages } from "../../src/upstream/search_in_pages.ts";
import {
  allInstances,
  lyingStore,
  type LyingStoreOptions,
  STUDY,
} from "../fixtures/lying_store.ts";
import { exchangeWith } from "../fixtures/store_exchange.ts";

/** Number of different results or instances, or the code of the error. */
type Seen = number | "NET-009" | "404";

interface Case {
  readonly store: LyingStoreOptions;
  /** The rules of the store's profile. */
  readonly rules?: { readonly pageSize?: number; readonly maxResults?: number };
  /** A search for the study's instances with a limit of 100. */
  readonly search: Seen;
  /** Its `Warning`; none unless given. */
  readonly warning?: RegExp;
  readonly retrieval: Seen;
}

const CASES: Readonly<Record<string, Case>> = {
  "a store that says the truth": { store: { series: [45] }, search: 45, retrieval: 45 },
  "an empty list": { store: { series: [] }, search: 0, retrieval: 0 },
  "short pages that say so": {
    store: { series: [45], pageSize: 7, says: "warning" },
    search: 45,
    retrieval: 45,
  },
  "short pages that say so without a number": {
    store: { series: [45], pageSize: 7, says: "uncounted" },
    search: 45,
    retrieval: 45,
  },
  "short pages that say so by 206": {
    store: { series: [45], pageSize: 7, says: "206" },
    search: 45,
    retrieval: 45,
  },
  "short pages that say nothing": {
    store: { series: [45], pageSize: 7 },
    search: 45,
    retrieval: 45,
  },
  "more than the client asked for": {
    store: { series: [150], pageSize: 7, says: "warning" },
    search: 100,
    warning: /There are 50 additional results/,
    retrieval: 150,
  },
  "pages of the store's own size": {
    store: { series: [45], pageSize: 7 },
    rules: { pageSize: 0 },
    search: 45,
    retrieval: 45,
  },
  "results that are hidden after they were counted": {
    store: { series: [45], hides: (index) => index % 10 === 3 },
    search: 40,
    retrieval: 40,
  },
  "a page that is hidden altogether, and more announced": {
    store: { series: [45], says: "warning", hides: (index) => index >= 20 && index < 40 },
    search: "NET-009",
    retrieval: 45,
  },
  "a search that the store is known to limit": {
    store: { series: [45], cap: 30, beyond: 400 },
    rules: { maxResults: 30 },
    search: 30,
    warning: /lists 30 results of a search at most/,
    retrieval: 45,
  },
  "as many results as the store is known to list": {
    store: { series: [30], cap: 30, beyond: 400 },
    rules: { maxResults: 30 },
    search: 30,
    warning: /lists 30 results/,
    retrieval: 30,
  },
  "fewer results than the store is known to list": {
    store: { series: [29], cap: 30, beyond: 400 },
    rules: { maxResults: 30 },
    search: 29,
    retrieval: 29,
  },
  "a limit that nobody knows of, 400 behind it": {
    store: { series: [45], cap: 30, beyond: 400 },
    search: "NET-009",
    retrieval: 45,
  },
  "a limit that nobody knows of, [] behind it, and more announced": {
    store: { series: [45], cap: 30, says: "warning" },
    search: "NET-009",
    retrieval: 45,
  },
  "a limit that nobody knows of, 204 behind it, and more announced": {
    store: { series: [45], cap: 30, beyond: 204, says: "warning" },
    search: "NET-009",
    retrieval: 45,
  },
  "a limit that nobody knows of, [] behind it, and more counted": {
    store: { series: [45], cap: 30, counts: { study: 45 } },
    search: 30,
    retrieval: 45,
  },
  "a limit that nobody knows of, 204 behind it, and more counted": {
    store: { series: [45], cap: 30, beyond: 204, counts: { study: 45 } },
    search: 30,
    retrieval: 45,
  },
  "a limit for the study, and more counted in each series": {
    store: { series: [25, 20], cap: 30, counts: { study: 45, series: [25, 20] } },
    search: 30,
    retrieval: 45,
  },
  "offset ignored, no search for the instances of a study, and counted": {
    store: { series: [8], ignoresOffset: true, counts: { study: 8 }, lacks: /9\/instances$/ },
    search: "404",
    retrieval: 8,
  },
  "a limit, more counted, and no metadata": {
    store: { series: [45], cap: 30, counts: { study: 45, series: [45] }, lacks: /metadata$/ },
    search: 30,
    retrieval: "NET-009",
  },
  "a result twice on each page": {
    store: { series: [45], pageSize: 7, repeats: true },
    search: 45,
    retrieval: 45,
  },
  "a result twice on each page, a limit, and more counted": {
    store: { series: [45], pageSize: 7, cap: 42, repeats: true, counts: { study: 45 } },
    search: 42,
    retrieval: 45,
  },
  "counts that nothing accounts for": {
    store: { series: [20, 25], counts: { study: 46 } },
    search: 45,
    retrieval: "NET-009",
  },
  "a count of a series that nothing accounts for": {
    store: { series: [20, 25], counts: { series: [20, 26] }, lacks: /9\/instances$/ },
    search: "404",
    retrieval: "NET-009",
  },
  "counts that are too low": {
    store: { series: [20, 25], counts: { study: 1, series: [1, 1] } },
    search: 45,
    retrieval: 45,
  },
  "offset ignored": {
    store: { series: [45], ignoresOffset: true },
    search: "NET-009",
    retrieval: "NET-009",
  },
  "offset ignored, all on one page": {
    store: { series: [8], ignoresOffset: true },
    search: 8,
    warning: /ignores offset/,
    retrieval: "NET-009",
  },
  "offset ignored, all on one page, and counted": {
    store: { series: [8], ignoresOffset: true, counts: { study: 8 } },
    search: 8,
    warning: /ignores offset/,
    retrieval: 8,
  },
  "offset and limit ignored": {
    store: { series: [45], ignoresOffset: true, ignoresLimit: true, counts: { study: 45 } },
    search: 45,
    warning: /ignores offset/,
    retrieval: 45,
  },
};

function rulesOf({ rules }: Case) {
  return { pageSize: 20, maxResults: 0, ...rules };
}

for (const [name, each] of Object.entries(CASES)) {
  Deno.test(`searchInPages: ${name}`, async () => {
    const exchange = exchangeWith(`${STUDY}/instances?limit=100`, lyingStore(each.store));
    const collect = async () => {
      const { status, headers, body } = await searchInPages(exchange, rulesOf(each));
      const text = await new Response(body).text();
      return { status, warning: headers.get("warning"), text };
    };
    if (each.search === "NET-009") return await assert.rejects(collect(), { code: "NET-009" });
    const { status, warning, text } = await collect();
    if (each.search === "404") return assert.equal(status, 404);
    assert.equal(status, 200);
    const list = JSON.parse(text);
    const uids = list.map((result: Record<string, { Value: string[] }>) =>
      result["00080018"]?.Value
    );
    assert.equal(new Set(uids.flat()).size, each.search);
    assert.equal(uids.length, each.search, "none twice");
    assert.match(warning ?? "none", each.warning ?? /^none$/);
    assert.ok(exchange.sent.length < 30, `${exchange.sent.length} requests`);
  });

  Deno.test(`retrieveByInstance: ${name}`, async () => {
    const exchange = exchangeWith(STUDY, lyingStore(each.store));
    const retrieve = () =>
      retrieveByInstance(exchange, classify("GET", STUDY), {
        ...rulesOf(each),
        concurrency: 4,
        pace: new Pace(0),
        memory: someMemory(),
        accept: null,
      });
    if (each.retrieval === "NET-009") return await assert.rejects(retrieve(), { code: "NET-009" });
    const response = await retrieve();
    if (each.retrieval === 0) return assert.equal(response.status, 404);
    const texts: string[] = [];
    const boundary = boundaryOf(response.headers.get("content-type"));
    for await (const part of readMultipart(response.body!, boundary)) {
      texts.push(await new Response(part.body).text());
    }
    assert.equal(new Set(texts).size, each.retrieval);
    assert.equal(texts.length, each.retrieval, "none twice");
    const all = allInstances(each.store.series).map((uid) => `DICOM of ${uid}`);
    assert.ok(texts.every((text) => all.includes(text)));
  });
}
