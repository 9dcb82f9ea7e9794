/**
 * How the clients of one store go through series, in what order their series are listed, and what each
 * client will ask for next.
 */
import { classify, type Transaction } from "../../dicomweb/transaction/transaction.ts";
import type { TransactionName } from "../../dicomweb/transaction/transaction_catalogue.ts";
import type { ForwardRequest } from "../forward_request.ts";
import { readListBody } from "../json_list_body.ts";
import type { HeldAnswer } from "./answer_memory.ts";
import type { Loaded } from "./load.ts";
import { type Begun, MAX_LIST_BYTES } from "./loads.ts";
import type { ReadAheadOptions } from "./read_ahead_options.ts";
import type { Listing } from "./sequence.ts";
import { SeriesOrders } from "./series_orders.ts";
import { placedRequest } from "./series_place.ts";
import { Viewing } from "./viewing.ts";

/** Searches that list series or instances in an order. */
export const LISTS: ReadonlySet<TransactionName> = new Set(["search-series", "search-instances"]);
const LIST_TYPE = "application/dicom+json";

const MAX_VIEWINGS = 64;
/** Share of the memory that one viewing fills ahead of its client. */
const AHEAD_SHARE = 1 / 2;

/** A request that nobody has made yet. */
export interface Ahead extends Begun {
  readonly viewing: Viewing;
}

export class Viewings {
  readonly #options: Pick<ReadAheadOptions, "server" | "memory" | "metrics">;
  readonly #now: () => number;
  readonly #orders = new SeriesOrders();
  /** By representation and template, the least recently used first. */
  readonly #viewings = new Map<string, Viewing>();
  /** A request of each viewing, to make others of it. */
  readonly #examples = new WeakMap<Viewing, ForwardRequest>();
  /** Lists and metadata whose order is being learned. */
  #learning = 0;

  constructor(options: Pick<ReadAheadOptions, "server" | "memory" | "metrics">) {
    this.#options = options;
    this.#now = options.memory.now;
  }

  /** Notes a client's request; undefined if no others can be made of it. */
  note(forward: ForwardRequest, representation: string): Viewing | undefined {
    const placed = placedRequest(forward.transaction, forward.target);
    if (placed === undefined) return undefined;
    const key = representation + placed.template;
    let viewing = this.#viewings.get(key);
    if (viewing === undefined) {
      const { subject } = forward;
      viewing = new Viewing({ placed, subject, representation });
      this.#examples.set(viewing, exampleOf(forward));
    }
    this.#viewings.delete(key);
    this.#viewings.set(key, viewing);
    if (this.#viewings.size > MAX_VIEWINGS) {
      for (const oldest of this.#viewings.keys()) {
        this.#viewings.delete(oldest);
        break;
      }
    }
    viewing.note(placed, this.#now());
    return viewing;
  }

  /** What is to be read next, for the client that asked last; `isMissing`: nobody is about to read it. */
  next(isMissing: (key: string) => boolean): Ahead | undefined {
    const { memory } = this.#options;
    const viewings = [...this.#viewings.values()].reverse();
    for (const viewing of viewings) {
      const { hasBegun, isPaused, isRefused, unusedBytes, underWay, lastBytes } = viewing;
      if (!hasBegun || isPaused || isRefused) continue;
      if (unusedBytes + underWay * lastBytes > memory.totalBytes * AHEAD_SHARE) continue;
      if (!viewing.isActive(viewings, this.#now())) continue;
      const example = this.#examples.get(viewing)!;
      const listing = this.#listingOf(viewing);
      const target = viewing.next(listing, (each) => {
        const key = viewing.representation + each;
        return !memory.has(key, viewing.subject) && isMissing(key);
      });
      if (target !== undefined) {
        const forward = { ...example, target, transaction: classify("GET", target) };
        return { forward, viewing, key: viewing.representation + target };
      }
      if (this.#learning === 0 && !viewing.hasAskedForList && !viewing.isListed(listing)) {
        viewing.hasAskedForList = true;
        return { forward: listRequest(example, viewing), viewing, key: undefined };
      }
    }
    return undefined;
  }

  /** Learns the order of a list or of metadata; whether it is one. */
  async learn(
    { name, study, series, instance }: Transaction,
    { headers, bytes }: Pick<Loaded, "headers" | "bytes">,
  ): Promise<boolean> {
    const isList = LISTS.has(name) || (name === "retrieve-metadata" && instance === undefined);
    const { "content-type": type = "", "content-encoding": coding } = Object.fromEntries(headers);
    if (!isList || coding !== undefined || !/\bjson\b/.test(type)) return false;
    if (bytes.length > MAX_LIST_BYTES) return false;
    this.#learning++;
    try {
      for await (const { value } of readListBody(new Response(bytes), MAX_LIST_BYTES)) {
        this.#orders.learn(value, { study, series });
      }
    } catch {
      // The client has it as it is; what is in order was learned.
    } finally {
      this.#learning--;
    }
    for (const viewing of this.#viewings.values()) viewing.reconsider();
    return true;
  }

  /** The lists of a study, or of all, may be outdated. */
  forget(study: string | undefined): void {
    this.#orders.forget(study);
    for (const viewing of this.#viewings.values()) {
      if (study === undefined || viewing.placed.study === study) viewing.reconsider();
    }
  }

  /** Notes an answer of so many bytes that was read ahead. */
  readerFor(viewing: Viewing, bytes: number): HeldAnswer["reader"] {
    viewing.unusedBytes += bytes;
    viewing.lastBytes = bytes;
    return {
      isAwaited: () => viewing.isActive(this.#viewings.values(), this.#now()),
      settled: (isUsed) => {
        viewing.unusedBytes -= bytes;
        const { metrics, server } = this.#options;
        if (!isUsed) metrics?.readAheadUnusedBytes.inc({ server }, bytes);
      },
    };
  }

  #listingOf({ placed: { study, series } }: Viewing): Listing {
    if (series === undefined) return { orders: [this.#orders.seriesOf(study)], framesOf: () => 1 };
    return {
      orders: this.#orders.instancesOf(study, series),
      framesOf: (uid) => this.#orders.framesOf(study, series, uid),
    };
  }
}

/** A request of which others can be made when it is over. */
function exampleOf(
  { request, requestId, publicUrl, subject, ...rest }: ForwardRequest,
): ForwardRequest {
  const headers = new Headers(request.headers);
  for (const name of ["if-none-match", "if-modified-since", "traceparent", "tracestate"]) {
    headers.delete(name);
  }
  return {
    ...rest,
    request: new Request("http://gateway.invalid/", { headers }),
    requestId,
    publicUrl,
    subject,
    completed: Promise.resolve(),
    passed: undefined,
  };
}

/** A search for the places of a viewing. */
function listRequest(
  { request, transaction: { prefix }, ...rest }: ForwardRequest,
  { placed: { study, series } }: Viewing,
): ForwardRequest {
  const path = `${prefix}/studies/${study}/series`;
  const target = series === undefined ? path : `${path}/${series}/instances`;
  const headers = new Headers(request.headers);
  headers.set("accept", LIST_TYPE);
  return {
    ...rest,
    target,
    transaction: classify("GET", target),
    request: new Request(request.url, { headers }),
  };
}
