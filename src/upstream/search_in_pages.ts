/**
 * Collects the results of a search page by page, for stores that give fewer at once than the client
 * asked for. The first page decides the answer's status; one that fails later makes the transfer
 * fail, so that no one takes what there is for everything.
 *
 * @module
 */
import { readSearch, readSearchPage, type SearchPage } from "../dicomweb/search_page.ts";
import { GatewayError } from "../errors/gateway_error.ts";
import { describeChangedBody } from "./changed_body.ts";
import { get, readText, type StoreExchange } from "./store_exchange.ts";

/** A page is held in memory, with one more copy while it is looked through. */
const MAX_PAGE_BYTES = 32 * 1024 * 1024;

/**
 * Whether a search has to be collected.
 *
 * @param target The client's path and query.
 * @param pageSize How many results the store gives at once; 0: any number.
 * @returns Whether the client asked for more.
 */
export function needsPages(target: string, pageSize: number): boolean {
  return pageSize > 0 && target.includes("limit=") && (readSearch(target)?.limit ?? 0) > pageSize;
}

/**
 * Searches page by page.
 *
 * @param exchange The client's search, in need of pages.
 * @param pageSize How many results the store gives at once.
 * @returns One answer with all results, or the store's own where the first page is a failure.
 * @throws {GatewayError} NET-009 where the first page is no list of results.
 */
export async function searchInPages(exchange: StoreExchange, pageSize: number): Promise<Response> {
  const search = readSearch(exchange.target);
  if (search?.limit === undefined) throw new TypeError("Cannot page a search without a limit");
  const { target, limit, offset } = search;
  const fetchPage = (start: number) =>
    get(
      exchange,
      `${target}limit=${Math.min(pageSize, limit - start)}&offset=${offset + start}`,
    );

  const first = await fetchPage(0);
  if (!first.ok) return first;
  const firstPage = await readPage(first);
  const headers = new Headers(first.headers);
  describeChangedBody(headers);
  for (const name of ["content-encoding", "etag"]) headers.delete(name);
  if (!headers.has("content-type")) headers.set("content-type", "application/dicom+json");

  async function* texts(): AsyncGenerator<string> {
    let page = firstPage;
    let count = 0;
    yield "[";
    for (;;) {
      if (page.results.length > 0) yield `${count > 0 ? "," : ""}${page.text}`;
      count += page.results.length;
      if (page.results.length < pageSize || count >= limit!) break;
      const response = await fetchPage(count);
      if (!response.ok) {
        await response.body?.cancel();
        throw new GatewayError(
          "NET-009",
          `Cannot collect a search: store answered ${response.status}`,
        );
      }
      page = await readPage(response);
    }
    yield "]";
  }
  return new Response(ReadableStream.from(texts()).pipeThrough(new TextEncoderStream()), {
    status: 200,
    headers,
  });
}

async function readPage(response: Response): Promise<SearchPage> {
  const text = await readText(response, MAX_PAGE_BYTES);
  const page = text === undefined ? undefined : readSearchPage(text);
  if (page !== undefined) return page;
  throw new GatewayError("NET-009", "Cannot collect a search: a page is no list of results");
}
