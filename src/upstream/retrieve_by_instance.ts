/**
 * Retrieves a study or series instance by instance, for stores that retrieve nothing else: a search
 * tells which instances there are, then they are fetched, several at once, and sent to the client as
 * one multipart answer in the search's order.
 *
 * One that cannot be fetched is put off and tried once more at the end. If it still fails, the client's
 * transfer fails: an answer that ends well is always complete.
 *
 * @module
 */
import {
  type MultipartPartInit,
  newBoundary,
  writeMultipart,
} from "../dicomweb/multipart_writer.ts";
import { readSearchPage } from "../dicomweb/search_page.ts";
import type { Transaction } from "../dicomweb/transaction.ts";
import { GatewayError } from "../errors/gateway_error.ts";
import { type Pace, wait } from "./pace.ts";
import { searchInPages } from "./search_in_pages.ts";
import { get, readText, type StoreExchange } from "./store_exchange.ts";

/** How to go about it. */
export interface RetrieveByInstanceRules {
  /** How many instances are fetched at once. */
  readonly concurrency: number;
  /** How many results a search of the store gives at once; 0: any number. */
  readonly pageSize: number;
  /** The store's quota. */
  readonly pace: Pace;
}

/** The instances of a study that are known before the first is fetched: about 200 bytes each. */
const MAX_INSTANCES = 100_000;
const MAX_SEARCH_BYTES = 64 * 1024 * 1024;
/** Waits before a throttled request is sent again, unless the store says how long. */
const THROTTLED_WAIT_MS = 500;
const LONGEST_THROTTLED_WAIT_MS = 30_000;
const MAX_THROTTLED = 8;
/** How stores say that they have no such search. */
const NO_SUCH_SEARCH: ReadonlySet<number> = new Set([400, 404, 405, 501]);

interface Instance {
  readonly series: string;
  readonly instance: string;
}

/** What came of trying to fetch one. */
type Fetched = { readonly response: Response } | { readonly failure: unknown };

/**
 * Retrieves a study or series.
 *
 * @param exchange The client's request; its `Accept` is what the store has for one instance.
 * @param transaction What the client asked for.
 * @param rules How to go about it.
 * @returns One multipart answer; or the store's own answer where the search fails, 404 where there is
 * nothing.
 * @throws {GatewayError} NET-009 where not one instance could be fetched.
 */
export async function retrieveByInstance(
  exchange: StoreExchange,
  transaction: Transaction,
  rules: RetrieveByInstanceRules,
): Promise<Response> {
  const found = await findInstances(exchange, transaction, rules);
  if (found instanceof Response) return found;
  const { prefix, study } = transaction;
  const queue = new FetchQueue(found, rules.concurrency, async ({ series, instance }) => {
    const target = `${prefix}/studies/${study}/series/${series}/instances/${instance}`;
    return await fetchInstance(exchange, target, rules.pace);
  });

  const first = await queue.firstSuccess();
  if (first === undefined) {
    throw new GatewayError(
      "NET-009",
      `Cannot retrieve: none of the ${found.length} instances could be fetched`,
      { cause: queue.lastFailure },
    );
  }
  const boundary = newBoundary();
  return new Response(writeMultipart(partsOf(first, queue, found.length), boundary), {
    status: 200,
    headers: {
      "content-type": `multipart/related; type="application/dicom"; boundary=${boundary}`,
    },
  });
}

/** Fetches ahead, gives in order, and puts off what fails. */
class FetchQueue {
  readonly #fetchOne: (instance: Instance) => Promise<Response>;
  readonly #waiting: Instance[];
  readonly #ahead: { readonly instance: Instance; readonly fetched: Promise<Fetched> }[] = [];
  readonly #concurrency: number;
  readonly #putOff: Instance[] = [];
  /** Why the last one failed. */
  lastFailure: unknown;

  constructor(
    instances: readonly Instance[],
    concurrency: number,
    fetchOne: (instance: Instance) => Promise<Response>,
  ) {
    this.#waiting = [...instances].reverse();
    this.#concurrency = concurrency;
    this.#fetchOne = fetchOne;
  }

  /** @returns The first answer that is one; nothing when every instance failed, also the second time. */
  async firstSuccess(): Promise<Response | undefined> {
    return await this.next() ?? await this.nextPutOff();
  }

  /** @returns The next answer; nothing when all have been tried once. */
  async next(): Promise<Response | undefined> {
    for (;;) {
      while (this.#ahead.length < this.#concurrency) {
        const instance = this.#waiting.pop();
        if (instance === undefined) break;
        this.#ahead.push({ instance, fetched: settle(this.#fetchOne(instance)) });
      }
      const oldest = this.#ahead.shift();
      if (oldest === undefined) return undefined;
      const fetched = await oldest.fetched;
      if ("response" in fetched) return fetched.response;
      this.lastFailure = fetched.failure;
      this.#putOff.push(oldest.instance);
    }
  }

  /** @returns The next answer among those that failed before; nothing when none is left. */
  async nextPutOff(): Promise<Response | undefined> {
    for (let instance = this.#putOff.shift(); instance; instance = this.#putOff.shift()) {
      const fetched = await settle(this.#fetchOne(instance));
      if ("response" in fetched) return fetched.response;
      this.lastFailure = fetched.failure;
    }
    return undefined;
  }

  /** Gives up what was fetched ahead. */
  async close(): Promise<void> {
    this.#waiting.length = 0;
    for (const { fetched } of this.#ahead.splice(0)) {
      const outcome = await fetched;
      if ("response" in outcome) await outcome.response.body?.cancel().catch(() => {});
    }
  }
}

async function* partsOf(
  first: Response,
  queue: FetchQueue,
  count: number,
): AsyncGenerator<MultipartPartInit> {
  try {
    let sent = 0;
    for (
      let response: Response | undefined = first;
      response;
      response = await queue.next() ?? await queue.nextPutOff()
    ) {
      yield partOf(response);
      sent++;
    }
    if (sent < count) {
      throw new GatewayError(
        "NET-009",
        `Cannot complete the transfer: ${count - sent} of ${count} instances could not be fetched`,
        { cause: queue.lastFailure },
      );
    }
  } finally {
    await queue.close();
  }
}

function partOf(response: Response): MultipartPartInit {
  const headers = new Headers({
    "content-type": response.headers.get("content-type") ?? "application/dicom",
  });
  const length = response.headers.get("content-length");
  if (length !== null) headers.set("content-length", length);
  return { headers, body: response.body ?? new Uint8Array() };
}

async function settle(promise: Promise<Response>): Promise<Fetched> {
  try {
    return { response: await promise };
  } catch (failure) {
    return { failure };
  }
}

/** Fetches one instance; waits where the store throttles. */
async function fetchInstance(
  exchange: StoreExchange,
  target: string,
  pace: Pace,
): Promise<Response> {
  for (let throttled = 0;; throttled++) {
    await pace.turn(exchange.signal);
    const response = await get(exchange, target);
    if (response.status === 200) return response;
    await response.body?.cancel();
    const { status } = response;
    if ((status !== 429 && status !== 503) || throttled === MAX_THROTTLED) {
      throw new GatewayError("NET-009", `Cannot fetch an instance: store answered ${status}`);
    }
    const seconds = Number(response.headers.get("retry-after"));
    const ms = seconds > 0 ? seconds * 1000 : THROTTLED_WAIT_MS * 2 ** throttled;
    await wait(Math.min(ms, LONGEST_THROTTLED_WAIT_MS), exchange.signal);
  }
}

/** All instances of the study or series; or the answer that says why not. */
async function findInstances(
  exchange: StoreExchange,
  { prefix, study, series }: Transaction,
  rules: RetrieveByInstanceRules,
): Promise<Instance[] | Response> {
  const ofStudy = `${prefix}/studies/${study}`;
  if (series !== undefined) {
    return await searchInstances(exchange, `${ofStudy}/series/${series}`, series, rules);
  }
  const found = await searchInstances(exchange, ofStudy, undefined, rules);
  if (!(found instanceof Response) || !NO_SUCH_SEARCH.has(found.status)) return found;
  // Not every store searches the instances of a whole study.
  await found.body?.cancel();
  const seriesFound = await search(exchange, `${ofStudy}/series`, rules);
  if (seriesFound instanceof Response) return seriesFound;
  const instances: Instance[] = [];
  for (const result of seriesFound) {
    const uid = uidOf(result, SERIES_INSTANCE_UID);
    const ofSeries = await searchInstances(exchange, `${ofStudy}/series/${uid}`, uid, rules);
    if (ofSeries instanceof Response) return ofSeries;
    instances.push(...ofSeries);
  }
  return instances;
}

async function searchInstances(
  exchange: StoreExchange,
  below: string,
  series: string | undefined,
  rules: RetrieveByInstanceRules,
): Promise<Instance[] | Response> {
  const results = await search(exchange, `${below}/instances`, rules);
  if (results instanceof Response) return results;
  return results.map((result) => ({
    series: series ?? uidOf(result, SERIES_INSTANCE_UID),
    instance: uidOf(result, SOP_INSTANCE_UID),
  }));
}

/** All results of a search; or the store's answer where it is a failure, 404 where there is nothing. */
async function search(
  exchange: StoreExchange,
  path: string,
  { pageSize, pace }: RetrieveByInstanceRules,
): Promise<readonly unknown[] | Response> {
  const headers = new Headers(exchange.headers);
  headers.set("accept", "application/dicom+json");
  await pace.turn(exchange.signal);
  const response = pageSize > 0
    ? await searchInPages(
      { ...exchange, headers, target: `${path}?limit=${MAX_INSTANCES}` },
      pageSize,
    )
    : await get({ ...exchange, headers }, path);
  if (!response.ok) return response;
  const text = await readText(response, MAX_SEARCH_BYTES);
  const page = text === undefined ? undefined : readSearchPage(text);
  if (page === undefined) {
    throw new GatewayError("NET-009", "Cannot retrieve: the search gave no list of results");
  }
  return page.results.length === 0 ? new Response(null, { status: 404 }) : page.results;
}

const UID = /^[0-9.]{1,64}$/;
const SOP_INSTANCE_UID = "00080018";
const SERIES_INSTANCE_UID = "0020000E";

function uidOf(result: unknown, tag: string): string {
  const value = (result as Record<string, { Value?: unknown[] }> | null)?.[tag]?.Value?.[0];
  if (typeof value === "string" && UID.test(value)) return value;
  throw new GatewayError("NET-009", `Cannot retrieve: the search gave a result without ${tag}`);
}
