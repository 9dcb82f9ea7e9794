/**
 * Collects the results of a client's search page by page, for stores whose pages are smaller than the
 * client requested, and for those that limit the results of a search. A search that cannot be collected to
 * its end fails: partial results must not look complete.
 */
import { readSearch, type Search } from "../dicomweb/search/search_page.ts";
import { collectedWarning, readRemaining } from "../dicomweb/search/search_warning.ts";
import { GatewayError } from "../errors/gateway_error.ts";
import { describeChangedBody } from "./changed_body.ts";
import { type ListedDataset, readListBody } from "./json_list_body.ts";
import { JsonListWriter } from "../dicomweb/search/json_list_writer.ts";
import { PagedSearch, type PagedSearchRules } from "./paged_search.ts";
import { get, type StoreExchange, unconditional } from "./store_exchange.ts";

const PIECE_BYTES = 64 * 1024;
const MAX_PROBE_BYTES = 16 * 1024 * 1024;
/** Headers that describe the store's first page, not the collected list. */
const OF_THE_PAGE = [
  "content-encoding",
  "content-location",
  "content-range",
  "etag",
  "last-modified",
  "link",
];
/** Prefixes of headers that count results or pages. */
const COUNTING = ["x-total", "x-page", "x-per-page", "x-next", "x-prev", "x-limit", "x-offset"];

/** Whether the client requested more than a page, or results up to the limit of the store. */
export function needsPages(target: string, rules: PagedSearchRules): boolean {
  if (!target.includes("limit=") && !target.includes("offset=")) return false;
  const search = readSearch(target);
  if (search === undefined || search.limit === 0) return false;
  const { pageSize, maxResults } = rules;
  const { limit = pageSize, offset } = search;
  return (pageSize > 0 && limit > pageSize) || (maxResults > 0 && offset + limit >= maxResults);
}

/**
 * Collects a search that {@linkcode needsPages}. One that ends at the limit of the store gets
 * `Warning: 299`.
 *
 * @returns One response with all results; the store's own if the first page is a failure.
 * @throws {GatewayError} NET-009 if the first page is no list of results, or the search is known to be
 * incomplete before the response begins.
 */
export async function searchInPages(
  whole: StoreExchange,
  rules: PagedSearchRules,
): Promise<Response> {
  const exchange = unconditional(whole);
  const given = readSearch(exchange.target);
  if (given === undefined) throw new TypeError("Cannot page a search without a limit");
  const search = { ...given, limit: given.limit ?? Math.max(1, rules.pageSize) };
  const pages = await PagedSearch.begin(exchange, search, rules);
  if (pages instanceof Response) return pages;

  const results = pages.results();
  const list = new JsonListWriter();
  // The first page, and the first result of the second: most searches end by then, so that the status
  // can still report a failure.
  let next = await results.next();
  for (; !next.done && pages.page === 1; next = await results.next()) list.add(next.value.bytes);
  const warnings = [collectedWarning(pages.headers.get("warning"), remainingAfter(search, pages))];
  if (next.done) assertWhole(pages);
  if (next.done && pages.end.kind === "repeated") warnings.push(REPEATED);
  const isCapped = next.done
    ? endedAtCap(pages, search, rules, list.count)
    : await willEndAtCap(exchange, search, rules);
  if (isCapped) warnings.push(capped(rules.maxResults));

  const headers = collectedHeaders(pages.headers);
  const warning = warnings.filter((each) => each !== undefined).join(", ");
  if (warning !== "") headers.set("warning", warning);
  if (next.done) return new Response(list.take(true), { status: 200, headers });
  let result: IteratorResult<ListedDataset, void> = next;
  const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
    async pull(controller) {
      const page = pages.page;
      // The first page is sent before more is fetched.
      const isFirst = list.bytes > 0;
      while (!isFirst && !result.done && list.bytes < PIECE_BYTES && pages.page === page) {
        list.add(result.value.bytes);
        result = await results.next();
      }
      if (result.done) assertWhole(pages);
      controller.enqueue(list.take(result.done === true));
      if (result.done) controller.close();
    },
    async cancel() {
      await results.return();
    },
  }, { highWaterMark: 0 });
  return new Response(body, { status: 200, headers });
}

/** @throws {GatewayError} NET-009 if results are missing, or may be. */
function assertWhole({ end }: PagedSearch): void {
  if (end.kind !== "incomplete") return;
  throw new GatewayError("NET-009", `Cannot collect the search to its end: ${end.reason}`);
}

/** How many results the client may still request, by what the store announced with its first page. */
function remainingAfter({ limit = 0 }: Search, { headers, firstPageCount }: PagedSearch): number {
  const { count = 0 } = readRemaining(headers.get("warning"));
  return Math.max(0, firstPageCount + count - limit);
}

function endedAtCap(
  { end }: PagedSearch,
  { offset }: Search,
  { maxResults }: PagedSearchRules,
  count: number,
): boolean {
  if (maxResults === 0) return false;
  // Beyond its limit, the list is empty, or the response is none.
  return end.kind === "cap" ||
    (end.kind === "limit" || count === 0) && offset + count >= maxResults;
}

/** Requests the last result that the store can return: the warning must be known beforehand. */
async function willEndAtCap(
  exchange: StoreExchange,
  { target, limit = 0, offset }: Search,
  { maxResults }: PagedSearchRules,
): Promise<boolean> {
  if (maxResults === 0 || offset + limit < maxResults) return false;
  const response = await get(exchange, `${target}limit=1&offset=${maxResults - 1}`);
  if (!response.ok) {
    await response.body?.cancel();
    return true;
  }
  for await (const _ of readListBody(response, MAX_PROBE_BYTES)) return true;
  return false;
}

/** RFC 9111 removed warnings; PS3.18 keeps those of RFC 7234, section 5.5. */
function capped(maxResults: number): string {
  return `299 dicomweb-gateway "The store lists ${maxResults} results of a search at most: there may ` +
    'be more than these; narrow the search"';
}

const REPEATED =
  '299 dicomweb-gateway "The store ignores offset: there may be more results than these"';

function collectedHeaders(first: Headers): Headers {
  const headers = new Headers(first);
  describeChangedBody(headers);
  for (const name of [...headers.keys()]) {
    if (name === "warning" || COUNTING.some((prefix) => name.startsWith(prefix))) {
      headers.delete(name);
    }
  }
  for (const name of OF_THE_PAGE) headers.delete(name);
  if (!headers.has("content-type")) headers.set("content-type", "application/dicom+json");
  return headers;
}
