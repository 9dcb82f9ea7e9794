/**
 * Lists all instances of a study or series, or fails. If a search is limited by the store, or finds fewer
 * instances than the store counts, each series is searched, and then its metadata read, which has no
 * pages.
 */
import { readSearch } from "../dicomweb/search/search_page.ts";
import type { Transaction } from "../dicomweb/transaction/transaction.ts";
import { GatewayError } from "../errors/gateway_error.ts";
import { type ListedDataset, MAX_METADATA_BYTES, readListBody } from "./json_list_body.ts";
import {
  countOf,
  instanceOf,
  type ListedInstance,
  type ListedSeries,
  seriesOf,
  TAGS,
  uidOf,
} from "./listed_instance.ts";
import { getAtPace } from "./pace.ts";
import { PagedSearch, type PagedSearchRules, type SearchEnd } from "./paged_search.ts";
import type { StoreExchange } from "./store_exchange.ts";

interface Found<Item> {
  readonly items: readonly Item[];
  readonly end: SearchEnd;
  /** The store's response to a search that failed, without items. */
  readonly failure?: Response;
}

/** Kept in memory before the first is fetched: about 200 bytes each. */
const MAX_INSTANCES = 100_000;
const MAX_COUNT_BYTES = 1024 * 1024;
/** Responses of stores that do not support a search. */
const NO_SUCH_SEARCH: ReadonlySet<number> = new Set([400, 404, 405, 501]);

/**
 * Lists the instances of a transaction's study or series.
 *
 * @param query The client's query for the store, without `?`.
 * @returns All instances, each once; the store's own response if the search fails, 404 without instances.
 * @throws {GatewayError} NET-009 if instances may be missing.
 */
export async function listInstances(
  exchange: StoreExchange,
  transaction: Transaction,
  query: string,
  rules: PagedSearchRules,
): Promise<readonly ListedInstance[] | Response> {
  const headers = new Headers(exchange.headers);
  headers.set("accept", "application/dicom+json");
  const listing = new Listing({ ...exchange, headers }, transaction, query, rules);
  const found = await listing.list();
  if (found instanceof Response || found.length > 0) return found;
  return new Response(null, { status: 404 });
}

class Listing {
  readonly #exchange: StoreExchange;
  readonly #study: string;
  readonly #series: string | undefined;
  readonly #query: string;
  readonly #rules: PagedSearchRules;

  constructor(
    exchange: StoreExchange,
    { prefix, study, series }: Transaction,
    query: string,
    rules: PagedSearchRules,
  ) {
    this.#exchange = exchange;
    this.#study = `${prefix}/studies/${study}`;
    this.#series = series;
    this.#query = query;
    this.#rules = rules;
  }

  async list(): Promise<readonly ListedInstance[] | Response> {
    // Only metadata is sure to respect what a query selects, such as an image set of HealthImaging.
    const selected = this.#query === "" ? undefined : await this.#bySelection();
    if (selected !== undefined) return selected;
    return this.#series === undefined
      ? await this.#ofStudy()
      : await this.#ofSeries({ uid: this.#series, count: await this.#countOfSeries() });
  }

  async #ofStudy(): Promise<readonly ListedInstance[] | Response> {
    const [counts, found] = await Promise.all([
      this.#countsOfStudy(),
      this.#search("/instances", (result) => instanceOf(result)),
    ]);
    if (found.failure && !NO_SUCH_SEARCH.has(found.failure.status)) return found.failure;
    if (isComplete(found, counts.instances)) return found.items;
    // Not every store supports searching the instances of a study.
    await found.failure?.body?.cancel();
    const series = await this.#search("/series", seriesOf);
    if (series.failure) {
      if (found.failure) return series.failure;
      await series.failure.body?.cancel();
      throw incomplete("study", found, counts.instances);
    }
    // If the store counts the instances, that shows below whether a series is missing.
    const countedSeries = counts.series ?? (counts.instances === undefined ? undefined : 0);
    if (!isComplete(series, countedSeries)) throw incomplete("study", series, counts.series);
    const instances = [...found.items];
    for (const each of series.items) {
      instances.push(...await this.#partOfStudy(this.#ofSeries(each)));
    }
    let all = unique(instances);
    const isMissing = () => counts.instances !== undefined && all.length < counts.instances;
    // In a series without a count, a search may have found only some instances.
    for (const { uid } of series.items.filter(({ count }) => count === undefined)) {
      if (isMissing()) {
        all = unique([...all, ...await this.#partOfStudy(this.#metadata(uid))]);
      }
    }
    if (isMissing()) {
      throw incomplete("study", { items: all, end: { kind: "all" } }, counts.instances);
    }
    return all;
  }

  async #partOfStudy(
    listing: Promise<readonly ListedInstance[] | Response>,
  ): Promise<readonly ListedInstance[]> {
    const found = await listing;
    if (!(found instanceof Response)) return found;
    await found.body?.cancel();
    throw new GatewayError(
      "NET-009",
      `Cannot list the instances of the study: store answered ${found.status} for a series`,
    );
  }

  async #ofSeries({ uid, count }: ListedSeries): Promise<readonly ListedInstance[] | Response> {
    const found = await this.#search(
      `/series/${uid}/instances`,
      (result) => instanceOf(result, uid),
    );
    if (found.failure && !NO_SUCH_SEARCH.has(found.failure.status)) return found.failure;
    if (isComplete(found, count)) return found.items;
    const metadata = await this.#metadata(uid);
    if (metadata instanceof Response) {
      await metadata.body?.cancel();
      if (found.failure) return found.failure;
      throw incomplete("series", found, count);
    }
    await found.failure?.body?.cancel();
    const all = unique([...found.items, ...metadata]);
    if (count === undefined || all.length >= count) return all;
    throw incomplete("series", { items: all, end: { kind: "all" } }, count);
  }

  /** By the metadata of each series, with the query; undefined if the store does not support that. */
  async #bySelection(): Promise<readonly ListedInstance[] | undefined> {
    let uids = this.#series === undefined ? undefined : [this.#series];
    if (uids === undefined) {
      const series = await this.#search("/series", seriesOf, "");
      if (series.failure) {
        await series.failure.body?.cancel();
        return undefined;
      }
      if (series.end.kind !== "all") throw incomplete("study", series, undefined);
      uids = series.items.map(({ uid }) => uid);
    }
    const instances: ListedInstance[] = [];
    for (const uid of uids) {
      const metadata = await this.#metadata(uid);
      if (!(metadata instanceof Response)) instances.push(...metadata);
      else {
        await metadata.body?.cancel();
        // 404: the query selects nothing in this series.
        if (metadata.status !== 404) return undefined;
      }
    }
    return instances.length === 0 ? undefined : unique(instances);
  }

  /** What the store counts in the study. */
  async #countsOfStudy(): Promise<{ instances?: number | undefined; series?: number | undefined }> {
    const uid = this.#study.slice(this.#study.lastIndexOf("/") + 1);
    const path = this.#study.slice(0, -uid.length - 1);
    const target = `${path}?StudyInstanceUID=${uid}&limit=1`;
    const study = await this.#counted(target, TAGS.study, uid);
    return {
      instances: study && countOf(study, TAGS.studyInstances),
      series: study && countOf(study, TAGS.studySeries),
    };
  }

  async #countOfSeries(): Promise<number | undefined> {
    const uid = this.#series!;
    const target = `${this.#study}/series?SeriesInstanceUID=${uid}&limit=1`;
    const series = await this.#counted(target, TAGS.series, uid);
    return series && countOf(series, TAGS.seriesInstances);
  }

  /** The only match of a search; undefined if the store rejects the search or ignores its keys. */
  async #counted(target: string, tag: string, uid: string): Promise<ListedDataset | undefined> {
    // The counts do not respect a query.
    if (this.#query !== "") return undefined;
    const response = await getAtPace(this.#exchange, target, this.#rules.pace);
    if (!response.ok) {
      await response.body?.cancel();
      return undefined;
    }
    try {
      for await (const dataset of readListBody(response, MAX_COUNT_BYTES)) {
        if (uidOf(dataset, tag) === uid) return dataset;
      }
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
    }
    return undefined;
  }

  async #search<Item>(
    below: string,
    read: (result: ListedDataset) => Item,
    query: string = this.#query,
  ): Promise<Found<Item>> {
    const given = readSearch(`${this.#study}${below}?${query}`);
    const target = given?.target ?? `${this.#study}${below}?`;
    const search = { target, offset: 0, limit: undefined };
    const pages = await PagedSearch.begin(this.#exchange, search, this.#rules);
    if (pages instanceof Response) {
      return { items: [], end: { kind: "incomplete", reason: "it failed" }, failure: pages };
    }
    const items: Item[] = [];
    for await (const result of pages.results()) {
      items.push(read(result));
      if (items.length > MAX_INSTANCES) throw tooMany();
    }
    return { items, end: pages.end };
  }

  /** The instances in the metadata of a series; the store's response if it has none. */
  async #metadata(series: string): Promise<ListedInstance[] | Response> {
    const query = this.#query === "" ? "" : `?${this.#query}`;
    const target = `${this.#study}/series/${series}/metadata${query}`;
    const response = await getAtPace(this.#exchange, target, this.#rules.pace);
    if (response.status !== 200) return response;
    const instances: ListedInstance[] = [];
    for await (const dataset of readListBody(response, MAX_METADATA_BYTES)) {
      // Metadata may have hundreds of megabytes.
      this.#exchange.proceed?.();
      instances.push(instanceOf(dataset, series));
      if (instances.length > MAX_INSTANCES) throw tooMany();
    }
    return instances;
  }
}

/** Whether a search is known to have found everything. */
function isComplete({ items, end }: Found<unknown>, counted: number | undefined): boolean {
  if (counted !== undefined && items.length < counted) return false;
  // A store that ignores `offset` is believed if its count is the same.
  return end.kind === "all" || end.kind === "repeated" && counted !== undefined;
}

function incomplete(
  what: "study" | "series",
  { items, end }: Found<unknown>,
  counted: number | undefined,
): GatewayError {
  const why = end.kind === "incomplete"
    ? end.reason
    : end.kind === "all"
    ? `the store counts ${counted} and names ${items.length}`
    : "the store does not list all of them";
  return new GatewayError("NET-009", `Cannot list what the ${what} consists of: ${why}`);
}

function tooMany(): GatewayError {
  return new GatewayError(
    "NET-009",
    `Cannot retrieve: there are more than ${MAX_INSTANCES} instances`,
  );
}

function unique(instances: readonly ListedInstance[]): ListedInstance[] {
  const byUid = new Map(instances.map((each) => [`${each.series}/${each.instance}`, each]));
  return [...byUid.values()];
}
