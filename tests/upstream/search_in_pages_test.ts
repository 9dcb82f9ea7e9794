import assert from "node:assert/strict";
import { needsPages, searchInPages } from "../../src/upstream/search_in_pages.ts";
import { exchangeWith } from "../fixtures/store_exchange.ts";

/** A store with so many results that refuses a limit above its own, as Azure does. */
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

/** Total at the store, the client's query, the results it must get, the requests that takes. */
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

Deno.test("searchInPages: a failure of the first page is the answer", async () => {
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

Deno.test("searchInPages: a page that is no list of results is told", async () => {
  const exchange = exchangeWith("/studies?limit=500", () => new Response("<html>"));
  await assert.rejects(searchInPages(exchange, AZURE), { code: "NET-009" });
});

Deno.test("searchInPages: the next page is asked for only when the client has read the one before", async () => {
  const exchange = exchangeWith("/studies?limit=1000", store(1000));
  const response = await searchInPages(exchange, AZURE);
  const reader = response.body!.getReader();
  await reader.read();
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.ok(exchange.sent.length <= 2, `${exchange.sent.length} pages`);
  await reader.cancel();
});

Deno.test("needsPages: a client that asks for more than a page, or for the end of what is listed", () => {
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
