/**
 * Searches a store page by page until a page is empty: a page with fewer results than requested may not be
 * the last one (PS3.18, section 8.3.4.4). It reports how the search ended, so that a store that limits a
 * search, ignores `offset` or contradicts itself never looks like one without further results.
 */
import { textOf, toDataset } from "../dicomweb/dicom_json.ts";
import type { Search } from "../dicomweb/search/search_page.ts";
import { readRemaining } from "../dicomweb/search/search_warning.ts";
import { type ListedDataset, readListBody } from "./json_list_body.ts";
import { TAGS } from "./listed_instance.ts";
import { getAtPace, type Pace } from "./pace.ts";
import type { StoreExchange } from "./store_exchange.ts";

export interface PagedSearchRules {
  /** Maximum results of a page; 0: the store decides. */
  readonly pageSize: number;
  /** Maximum results that the store returns for one search in all pages; 0: any number. */
  readonly maxResults: number;
  /** The store's quota, if the search counts towards it. */
  readonly pace?: Pace;
}

export type SearchEnd =
  /** With an empty page: these are all results. */
  | { readonly kind: "all" }
  /** With as many results as requested. */
  | { readonly kind: "limit" }
  /** With as many results as the store returns for one search: there may be more. */
  | { readonly kind: "cap" }
  /** The second page was the first one again, which was not full: `offset` is ignored. */
  | { readonly kind: "repeated" }
  /** There are more, or may be, and the store does not return them. */
  | { readonly kind: "incomplete"; readonly reason: string };

const MAX_PAGE_BYTES = 32 * 1024 * 1024;
/** Repeated results are recognized among this many: pages overlap, not whole searches. */
const MAX_REMEMBERED = 100_000;
/** Pages in a row that may contain nothing new: the pages of a store that hides results overlap. */
const MAX_STALE_PAGES = 20;

/** The attributes that identify a result. */
const KEYS: Readonly<Record<string, readonly string[]>> = {
  studies: [TAGS.study],
  series: [TAGS.study, TAGS.series],
  instances: [TAGS.study, TAGS.series, TAGS.instance],
  // A workitem's UID (PS3.18, section 11.9).
  workitems: [TAGS.instance],
};

export class PagedSearch {
  /** The headers of the first page. */
  readonly headers: Headers;
  /** How it ended, once all results have been read. */
  end: SearchEnd = { kind: "incomplete", reason: "it was not read to its end" };
  /** The number of the current page, from 1. */
  page = 0;
  /** How many results of the first page have been read. */
  firstPageCount = 0;
  readonly #exchange: StoreExchange;
  readonly #search: Search;
  readonly #rules: PagedSearchRules;
  readonly #keys: readonly string[];
  #response: Response;
  /** How many results of the current page were requested. */
  #asked: number;

  private constructor(
    exchange: StoreExchange,
    search: Search,
    rules: PagedSearchRules,
    first: Response,
  ) {
    this.#exchange = exchange;
    this.#search = search;
    this.#rules = rules;
    this.#response = first;
    this.#asked = askedFor(search, rules, 0, 0);
    this.headers = first.headers;
    const path = search.target.slice(0, search.target.indexOf("?"));
    this.#keys = KEYS[path.slice(path.lastIndexOf("/") + 1)] ?? [];
  }

  /** Fetches the first page; returns the store's response if that is a failure. */
  static async begin(
    exchange: StoreExchange,
    search: Search,
    rules: PagedSearchRules,
  ): Promise<PagedSearch | Response> {
    const target = pageTarget(search, 0, askedFor(search, rules, 0, 0));
    const first = await getAtPace(exchange, target, rules.pace);
    return first.ok ? new PagedSearch(exchange, search, rules, first) : first;
  }

  /**
   * The results, each once, in the store's order; then {@linkcode end} says how the search ended. To be
   * read once. A page is fetched when the one before has been read.
   *
   * @throws {GatewayError} NET-009 for a page that is no list of results, NET-002 for one that breaks
   * off, and what sending throws.
   */
  async *results(): AsyncGenerator<ListedDataset, void, void> {
    this.end = yield* this.#pages();
  }

  async *#pages(): AsyncGenerator<ListedDataset, SearchEnd, void> {
    const { limit = Infinity, offset } = this.#search;
    const { maxResults } = this.#rules;
    const known = new Set<string>();
    let previous: { readonly start: string; readonly isShort: boolean } | undefined;
    let hasMore = false;
    let [received, taken, stalePages] = [0, 0, 0];
    for (this.page = 1;; this.page++) {
      const keys = new Set<string>();
      let [count, fresh, twice, start] = [0, 0, 0, ""];
      for await (const result of readListBody(this.#response, MAX_PAGE_BYTES)) {
        const key = this.#keyOf(result);
        if (count++ === 0) {
          start = key ?? JSON.stringify(result.value);
          if (start === previous?.start) return repeated(this.page, previous.isShort && !hasMore);
        }
        if (key !== undefined && keys.has(key)) {
          twice++;
          continue;
        }
        if (key !== undefined) keys.add(key);
        if (key !== undefined && known.has(key)) continue;
        fresh++;
        yield result;
        if (this.page === 1) this.firstPageCount = count;
        if (++taken >= limit) return { kind: "limit" };
      }
      if (count === 0) return hasMore ? incomplete("the store announced more") : { kind: "all" };
      // A store may count a repeated result only once: pages that overlap lose nothing.
      received += count - twice;
      if (maxResults > 0 && offset + received >= maxResults) return { kind: "cap" };
      stalePages = fresh === 0 ? stalePages + 1 : 0;
      if (stalePages > MAX_STALE_PAGES) return incomplete("the store repeats its results");
      remember(known, keys);
      // A store that returns more results than requested has no pages: that is no sign of another one.
      previous = { start, isShort: count !== this.#asked };
      hasMore = saysMore(this.#response);
      this.#response = await this.#fetch(received, taken);
      if (!this.#response.ok) {
        await this.#response.body?.cancel();
        return incomplete(`the store answered ${this.#response.status} to a further page`);
      }
    }
  }

  #fetch(received: number, taken: number): Promise<Response> {
    this.#asked = askedFor(this.#search, this.#rules, received, taken);
    const target = pageTarget(this.#search, received, this.#asked);
    return getAtPace(this.#exchange, target, this.#rules.pace);
  }

  /** The UIDs of a result's level and those above. */
  #keyOf({ value }: ListedDataset): string | undefined {
    const dataset = this.#keys.length > 0 && toDataset(value);
    if (!dataset || textOf(dataset, this.#keys.at(-1)!) === undefined) return undefined;
    return this.#keys.map((tag) => textOf(dataset, tag)).join("/");
  }
}

/** How many results to request; `Infinity`: the store decides. */
function askedFor(
  { limit = Infinity, offset }: Search,
  { pageSize, maxResults }: PagedSearchRules,
  received: number,
  taken: number,
): number {
  // How the store responds beyond the end of its list is unknown.
  const left = offset < maxResults ? maxResults - offset - received : Infinity;
  return Math.min(pageSize > 0 ? pageSize : Infinity, limit - taken, left);
}

function pageTarget({ target, offset }: Search, received: number, asked: number): string {
  const parameters: string[] = [];
  if (asked < Infinity) parameters.push(`limit=${asked}`);
  if (asked < Infinity || offset + received > 0) parameters.push(`offset=${offset + received}`);
  return parameters.length > 0 ? target + parameters.join("&") : target.slice(0, -1);
}

/** Editions of PS3.18 before 2017 had 206 for a search with further results. */
function saysMore({ headers, status }: Response): boolean {
  return status === 206 || readRemaining(headers.get("warning")).isMore;
}

function repeated(page: number, mayBeAll: boolean): SearchEnd {
  return page === 2 && mayBeAll
    ? { kind: "repeated" }
    : incomplete("the store ignores offset and gives the same page again");
}

function incomplete(reason: string): SearchEnd {
  return { kind: "incomplete", reason };
}

function remember(known: Set<string>, keys: ReadonlySet<string>): void {
  for (const key of keys) known.add(key);
  for (const key of known) {
    if (known.size <= MAX_REMEMBERED) break;
    known.delete(key);
  }
}
