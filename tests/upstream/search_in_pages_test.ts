import assert from "node:assert/strict";
import { needsPages, searchInPages } from "../../src/upstream/search_in_pages.ts";
import { exchangeWith } from "../fixtures/store_exchange.ts";

/** A store that rejects a limit above its own, as Azure does. */
function store(total: number, most = 200) {
  return ({ target }: { readonly target: string }): Response => {
    const query = new URL(target, "http://store").searchParams;
    const limit = Number(query.get("limit") ?? 100);
    const offset = Number(query.get("offset") ?? 0);
    if (limit > most) return new Response("limit", { status: 400 });
    const count = Math.max(0, Math.min(limit, total - offset));
    if (count === 0) return new Response(null, { status: 204 });
    return Response.json(Array.from({ length: count }, (_, index) => ({ n: offset + index })));
  };
}

async function numbers(response: Response): Promise<number[]> {
  return (await response.json()).map(({ n }: { n: number }) => n);
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, index) => from + index);
}

/** Total at the store, the client's query, the expected results and number of requests. */
const SEARCHES: [total: number, query: string, expected: number[], requests: number][] = [
  [1000, "limit=1000", range(0, 1000), 5],
  [1000, "limit=450", range(0, 450), 3],
  [1000, "limit=5000", range(0, 1000), 6],
  [450, "limit=1000", range(0, 450), 4],
  [400, "limit=1000", range(0, 400), 3],
  [150, "limit=1000", range(0, 150), 2],
  [0, "limit=1000", [], 1],
  [1000, "limit=300&offset=900", range(900, 1000), 2],
  [1000, "limit=300&offset=100", range(100, 400), 2],
];

const AZURE = { pageSize: 200, maxResults: 0 };

for (const [total, query, expected, requests] of SEARCHES) {
  Deno.test(`searchInPages: ${query} of ${total}`, async () => {
    const exchange = exchangeWith(`/studies?PatientID=A%2CB&${query}`, store(total));
    const response = await searchInPages(exchange, AZURE);
    assert.equal(response.status, 200);
    assert.deepEqual(await numbers(response), expected);
    assert.equal(exchange.sent.length, requests);
    for (const { target } of exchange.sent) assert.match(target, /PatientID=A%2CB&/);
  });
}

Deno.test("searchInPages: a failure of the first page is the response", async () => {
  const exchange = exchangeWith("/studies?limit=500", () => new Response("no", { status: 403 }));
  const response = await searchInPages(exchange, AZURE);
  assert.equal(response.status, 403);
  assert.equal(await response.text(), "no");
});

Deno.test("searchInPages: a failure of the second page is NET-009, of a later one makes the transfer fail", async () => {
  const whole = store(1000);
  const failing = (at: number) =>
    exchangeWith(
      "/studies?limit=700",
      (request, count) => count === at ? new Response("no", { status: 503 }) : whole(request),
    );
  await assert.rejects(searchInPages(failing(2), AZURE), { code: "NET-009", message: /503/ });
  const response = await searchInPages(failing(3), AZURE);
  assert.equal(response.status, 200);
  await assert.rejects(response.text(), { code: "NET-009", message: /503/ });
});

Deno.test("searchInPages: a page that is no list of results is NET-009", async () => {
  const exchange = exchangeWith("/studies?limit=500", () => new Response("<html>"));
  await assert.rejects(searchInPages(exchange, AZURE), { code: "NET-009" });
});

Deno.test("searchInPages: a page is requested only when the client has read the one before", async () => {
  const exchange = exchangeWith("/studies?limit=1000", store(1000));
  const response = await searchInPages(exchange, AZURE);
  const reader = response.body!.getReader();
  await reader.read();
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.ok(exchange.sent.length <= 2, `${exchange.sent.length} pages`);
  await reader.cancel();
});

/** A header of the store's first page, and that of the collected list. */
const HEADERS: readonly [name: string, value: string, collected: string | null][] = [
  ["content-type", "application/json; charset=ISO-8859-1", "application/json; charset=ISO-8859-1"],
  ["cache-control", "no-cache", "no-cache"],
  ["x-ms-request-id", "7", "7"],
  ["warning", '299 - "Only literal matching"', '299 - "Only literal matching"'],
  ["warning", "299 store: There are 800 additional results that can be requested", null],
  ["link", '</studies?offset=200>; rel="next"', null],
  ["x-total-count", "1000", null],
  ["x-total-pages", "5", null],
  ["x-page-size", "200", null],
  ["content-range", "items 0-199/1000", null],
  ["content-length", "23", null],
  ["content-location", "/studies?limit=200", null],
  ["etag", '"1"', null],
  ["last-modified", "Mon, 30 Nov 2026 10:00:00 GMT", null],
  ["digest", "sha-256=x", null],
];

for (const [name, value, collected] of HEADERS) {
  // A store that announces 800 more must return them.
  for (const total of value.includes("800") ? [1000] : [150, 1000]) {
    Deno.test(`searchInPages: of ${total} results, ${name}: ${value} becomes ${collected}`, async () => {
      const whole = store(total);
      const exchange = exchangeWith("/studies?limit=1000", async (request) => {
        const response = whole(request);
        const headers = new Headers({ "content-type": "application/dicom+json", [name]: value });
        return new Response(await response.text() || null, { status: response.status, headers });
      });
      const response = await searchInPages(exchange, AZURE);
      assert.equal((await numbers(response)).length, total);
      assert.equal(response.headers.get(name), collected);
    });
  }
}

Deno.test("searchInPages: names keep their bytes, whatever their character set", async () => {
  const names = [[0x4d, 0xfc, 0x6c], [0x1b, 0x24, 0x42, 0x3b, 0x33], [0xff, 0xfe, 0x80], [
    0xc3,
    0xbc,
  ]];
  const results = names.map((name, number) =>
    new Blob([
      `{"00100010":{"Value":[{"Alphabetic":"`,
      Uint8Array.from(name),
      `"}]},"n":${number}}`,
    ])
  );
  const exchange = exchangeWith("/studies?limit=10", ({ target }) => {
    const offset = Number(new URL(target, "http://store").searchParams.get("offset"));
    const page = results.slice(offset, offset + 2);
    return new Response(
      new Blob(["[ ", ...page.flatMap((each, at) => at ? [" , ", each] : [each]), "]"]),
    );
  });
  const response = await searchInPages(exchange, { pageSize: 2, maxResults: 0 });
  const expected = new Blob([
    "[",
    ...results.flatMap((each, at) => at ? [",", each] : [each]),
    "]",
  ]);
  assert.deepEqual(await response.bytes(), await expected.bytes());
});

Deno.test("needsPages: the client requests more than a page, or results up to the limit of the store", () => {
  assert.equal(needsPages("/studies?limit=201", AZURE), true);
  assert.equal(needsPages("/studies?limit=200", AZURE), false);
  assert.equal(needsPages("/studies", AZURE), false);
  assert.equal(needsPages("/studies?limit=500", { pageSize: 0, maxResults: 0 }), false);
  assert.equal(needsPages("/studies?limit=many", AZURE), false);
  const capped = { pageSize: 1000, maxResults: 10_000 };
  assert.equal(needsPages("/studies?limit=100&offset=9899", capped), false);
  assert.equal(needsPages("/studies?limit=100&offset=9900", capped), true);
  assert.equal(needsPages("/studies?offset=10000", capped), true);
  assert.equal(needsPages("/studies?limit=0&offset=10000", capped), false);
});
