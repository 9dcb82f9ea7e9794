/**
 * Answers the requests of viewers for one far store: from memory, by joining a request that is under way,
 * or by the store; and retrieves into memory what they will ask for next. What clients wait for comes
 * first: reading ahead only uses what they leave of the connections.
 */
import type { Bytes } from "../../dicomweb/bytes.ts";
import { classify, type Transaction } from "../../dicomweb/transaction/transaction.ts";
import {
  changesNothing,
  type TransactionName,
} from "../../dicomweb/transaction/transaction_catalogue.ts";
import type { HeaderFields } from "../../network/header_fields.ts";
import { retryAfterMs } from "../../network/retry_after.ts";
import { abortable } from "../../network/wait.ts";
import type { Metrics } from "../../telemetry/metrics.ts";
import type { ConcurrencyLimit } from "../concurrency_limit.ts";
import { readListBody } from "../json_list_body.ts";
import type { Pace } from "../pace.ts";
import type { RunningRequest } from "../running_request.ts";
import type { ForwardRequest } from "../forward_request.ts";
import {
  type AnswerMemory,
  type HeldAnswer,
  isFor,
  overlaps,
  type ResourcePath,
} from "./answer_memory.ts";
import { type HeldResponse, heldResponse } from "./held_response.ts";
import { Load, type Loaded } from "./load.ts";
import { choosingHeaders, isAnswerable, isConditional } from "./representation.ts";
import type { Listing } from "./sequence.ts";
import { SeriesOrders } from "./series_orders.ts";
import { placedRequest } from "./series_place.ts";
import { Viewing } from "./viewing.ts";

/** How a request is sent. */
export interface Sending {
  /** Called with each response of the store. */
  readonly observe?: (response: Response) => void;
  /** It is not repeated after a failure. */
  readonly isOptional?: boolean;
}

export interface ReadAheadOptions {
  readonly server: string;
  /** Connections to the store that clients and reading ahead use together. */
  readonly concurrency: number;
  readonly memory: AnswerMemory;
  readonly pace: Pace;
  /** Of all requests to the store. */
  readonly limit: ConcurrencyLimit;
  readonly metrics?: Metrics | undefined;
  /** The headers of a client's request for the store. */
  readonly headersFor: (forward: ForwardRequest) => HeaderFields;
  /** Begins a request that ends with a signal. */
  readonly begin: (target: string, signal: AbortSignal) => RunningRequest;
  /** Waits for a place under the concurrency limits, and sends a request. */
  readonly send: (
    forward: ForwardRequest,
    running: RunningRequest,
    sending?: Sending,
  ) => Promise<Response>;
  /** Begins the time limit of a request anew. */
  readonly restart: (running: RunningRequest) => void;
}

/** What viewers retrieve piece by piece. */
const KEPT: ReadonlySet<TransactionName> = new Set([
  "retrieve-instance",
  "retrieve-frames",
  "retrieve-metadata",
  "retrieve-bulkdata",
  "retrieve-pixeldata",
  "retrieve-rendered",
  "retrieve-thumbnail",
  "wado-uri",
]);
/** Searches that list series or instances in an order. */
const LISTS: ReadonlySet<TransactionName> = new Set(["search-series", "search-instances"]);
/** A longer list or longer metadata is not read for its order. */
const MAX_LIST_BYTES = 16 * 1024 * 1024;

const KEPT_MS = 3 * 60_000;
/** Metadata shows new instances of a study that is still being acquired. */
const METADATA_KEPT_MS = 60_000;
/** After a failure, unless the store says how long. */
const PAUSE_MS = 5_000;
const LONGEST_PAUSE_MS = 60_000;
const MAX_VIEWINGS = 64;
/** Share of the memory that one viewing fills ahead of its client. */
const AHEAD_SHARE = 1 / 2;
const LIST_TYPE = "application/dicom+json";

export class ReadAhead {
  readonly #options: ReadAheadOptions;
  readonly #now: () => number;
  /** Requests that can be joined, by the key of their answer. */
  readonly #loads = new Map<string, Load>();
  /** Those and others, the oldest first. */
  readonly #running = new Set<Load>();
  readonly #orders = new SeriesOrders();
  /** By representation and template, the least recently used first. */
  readonly #viewings = new Map<string, Viewing>();
  /** A request of each viewing, to make others of it. */
  readonly #examples = new WeakMap<Viewing, ForwardRequest>();
  /** Keys of what is about to be read. */
  readonly #starting = new Set<string>();
  readonly #closed = new AbortController();
  #pausedUntilMs = 0;
  /** Lists and metadata whose order is being learned. */
  #learning = 0;

  constructor(options: ReadAheadOptions) {
    this.#options = options;
    this.#now = options.memory.now;
    options.limit.onFull = () => this.#yieldPlace();
    // Not before the client takes it for which it was made.
    options.limit.onFree = () => queueMicrotask(() => this.#fill());
  }

  /** Answers a client's request, which has the permission. */
  async answer(forward: ForwardRequest, running: RunningRequest): Promise<Response> {
    const { request: { method, headers }, transaction } = forward;
    const { send } = this.#options;
    const { name } = transaction;
    if (!changesNothing(name)) return await this.#change(forward, running);
    const isPlainGet = method === "GET" && isAnswerable(headers);
    if (isPlainGet && KEPT.has(name)) return await this.#retrieve(forward, running);
    if (isPlainGet && LISTS.has(name) && !isConditional(headers)) {
      return await this.#begin(forward, running, { forward });
    }
    const response = await send(forward, running);
    this.#judge(response, transaction);
    return response;
  }

  /** Ends what is read ahead; resolves when it has ended. */
  async close(): Promise<void> {
    this.#closed.abort(new DOMException("Closed", "AbortError"));
    const ahead = [...this.#running].filter(({ isAhead }) => isAhead);
    for (const load of ahead) load.end(this.#closed.signal.reason);
    await Promise.all(ahead.map(({ over }) => over));
  }

  /** Drops what a request changes, before it and after. */
  async #change(forward: ForwardRequest, running: RunningRequest): Promise<Response> {
    const { study } = forward.transaction;
    this.#drop({ study });
    try {
      return await this.#options.send(forward, running);
    } finally {
      this.#drop({ study });
    }
  }

  async #retrieve(forward: ForwardRequest, running: RunningRequest): Promise<Response> {
    const { request, subject, target } = forward;
    const { memory, send } = this.#options;
    const representation = this.#representationOf(forward);
    const key = representation + target;
    const viewing = this.#note(forward, representation);
    const held = memory.get(key, subject);
    const load = held === undefined ? this.#loads.get(key) : undefined;
    try {
      if (held !== undefined) return this.#given(held, forward);
      if (load !== undefined) return await this.#join(load, key, forward, running);
      viewing?.reconsider();
      if (isConditional(request.headers)) {
        const response = await send(forward, running);
        this.#judge(response, forward.transaction);
        return response;
      }
      return await this.#begin(forward, running, { forward, key, viewing });
    } finally {
      this.#fill();
    }
  }

  #given(held: HeldAnswer, { request, passed }: ForwardRequest): HeldResponse {
    if (passed !== undefined) passed.isFromMemory = true;
    const { metrics, server } = this.#options;
    metrics?.memoryAnswers.inc({ server });
    return heldResponse(held, request.headers);
  }

  /** Waits for the answer to another's request; makes an own one if that brings none. */
  async #join(
    load: Load,
    key: string,
    forward: ForwardRequest,
    running: RunningRequest,
  ): Promise<Response> {
    const { memory, send, restart } = this.#options;
    load.clients++;
    waitForLoad(running);
    this.#fill();
    let held: HeldAnswer | undefined;
    try {
      held = await abortable(load.held, running.signal);
    } finally {
      load.leave();
    }
    if (held !== undefined && isFor(held, forward.subject)) {
      return this.#given(memory.get(key, forward.subject) ?? held, forward);
    }
    restart(running);
    const response = await send(forward, running);
    this.#judge(response, forward.transaction);
    return response;
  }

  /** Sends a client's request, whose answer is kept and can be joined if it has a key. */
  async #begin(
    forward: ForwardRequest,
    running: RunningRequest,
    begun: Begun,
  ): Promise<Response> {
    const load = this.#load(begun, false);
    load.clients = 1;
    waitForLoad(running);
    const answered = load.begin(
      (own, observe) => this.#options.send(begun.forward, own, { observe }),
      running.signal,
    );
    this.#fill();
    let response: Response;
    try {
      response = await abortable(answered, running.signal);
    } catch (error) {
      load.leave();
      throw error;
    }
    if (begun.viewing !== undefined && response.status === 200) {
      begun.viewing.isRefused = load.outcome === "not to be kept";
    }
    this.#judge(response, forward.transaction);
    return response;
  }

  #load(
    { forward: { target, transaction, subject }, key, viewing }: Begun,
    isAhead: boolean,
  ): Load {
    const { memory, begin, server } = this.#options;
    const controller = new AbortController();
    const { study, series, instance, name } = transaction;
    const keptMs = name === "retrieve-metadata" ? METADATA_KEPT_MS : KEPT_MS;
    const keep = ({ headers, bytes, freshMs, isPrivate }: Loaded): HeldAnswer | undefined => {
      void this.#learn(transaction, headers, bytes);
      const isForNobody = isPrivate && subject === undefined;
      if (key === undefined || isForNobody || this.#closed.signal.aborted) {
        memory.give(bytes.length);
        return undefined;
      }
      const answer = {
        server,
        resource: { study, series, instance },
        headers,
        bytes,
        subject: isPrivate ? subject : undefined,
        expiresAtMs: this.#now() + Math.min(keptMs, freshMs),
        reader: isAhead && viewing !== undefined
          ? this.#readerFor(viewing, bytes.length)
          : undefined,
      };
      memory.put(key, answer);
      return answer;
    };
    const load = new Load({
      running: begin(target, controller.signal),
      controller,
      memory,
      resource: { study, series, instance },
      isAhead,
      maxBytes: key === undefined ? Math.min(memory.maxBytes, MAX_LIST_BYTES) : memory.maxBytes,
      keep,
    });
    if (key !== undefined) this.#loads.set(key, load);
    this.#running.add(load);
    void load.held.then(() => {
      if (key !== undefined && this.#loads.get(key) === load) this.#loads.delete(key);
    });
    void load.over.then(() => this.#running.delete(load));
    return load;
  }

  #readerFor(viewing: Viewing, bytes: number): HeldAnswer["reader"] {
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

  /** Learns the order of a list or of metadata. */
  async #learn(
    { name, study, series, instance }: Transaction,
    headers: readonly (readonly [string, string])[],
    bytes: Bytes,
  ): Promise<void> {
    const isList = LISTS.has(name) || (name === "retrieve-metadata" && instance === undefined);
    const { "content-type": type = "", "content-encoding": coding } = Object.fromEntries(headers);
    if (!isList || coding !== undefined || !/\bjson\b/.test(type)) return;
    if (bytes.length > MAX_LIST_BYTES) return;
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
    this.#fill();
  }

  #note(forward: ForwardRequest, representation: string): Viewing | undefined {
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

  /** Reads ahead as long as there is something to read and nothing against it. */
  #fill(): void {
    while (this.#mayStart()) {
      const next = this.#next();
      if (next === undefined) return;
      void this.#readAhead(next);
    }
  }

  #mayStart(): boolean {
    const { limit, concurrency } = this.#options;
    const most = Math.min(concurrency, limit.maxConcurrent);
    return !this.#closed.signal.aborted && limit.queued === 0 &&
      limit.inFlight + this.#starting.size < most && this.#now() >= this.#pausedUntilMs;
  }

  /** What is to be read next, for the client that asked last. */
  #next(): Ahead | undefined {
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
        return !memory.has(key, viewing.subject) && !this.#loads.has(key) &&
          !this.#starting.has(key);
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

  #listingOf({ placed: { study, series } }: Viewing): Listing {
    if (series === undefined) return { orders: [this.#orders.seriesOf(study)], framesOf: () => 1 };
    return {
      orders: this.#orders.instancesOf(study, series),
      framesOf: (uid) => this.#orders.framesOf(study, series, uid),
    };
  }

  async #readAhead(ahead: Ahead): Promise<void> {
    const { forward, viewing, key = forward.target } = ahead;
    const { pace, limit, metrics, server, send } = this.#options;
    const { signal } = this.#closed;
    this.#starting.add(key);
    viewing.underWay++;
    try {
      await pace.rest(signal);
      await pace.turn(forward.transaction.name, signal);
      const isTaken = this.#loads.has(key) || limit.inFlight >= limit.maxConcurrent;
      if (isTaken || limit.queued > 0 || this.#now() < this.#pausedUntilMs) return;
      const load = this.#load(ahead, true);
      metrics?.readAheadRequests.inc({ server });
      const answered = load.begin((running, observe) =>
        send(forward, running, { observe, isOptional: true })
      );
      this.#starting.delete(key);
      this.#settle(await answered, load, ahead);
      await load.held;
      if (load.outcome === "no room") viewing.isPaused = true;
      else if (load.outcome === "not to be kept") viewing.isRefused = true;
    } catch {
      // Whoever asks for it will be told.
      if (!signal.aborted) viewing.isPaused = true;
    } finally {
      this.#starting.delete(key);
      viewing.underWay--;
      this.#fill();
    }
  }

  #settle(response: Response, load: Load, { viewing, forward, key }: Ahead): void {
    const { status, headers } = response;
    this.#judge(response, forward.transaction);
    if (status === 429 || status === 503) {
      const waitMs = retryAfterMs(headers, Date.now()) || PAUSE_MS;
      this.#pausedUntilMs = this.#now() + Math.min(waitMs, LONGEST_PAUSE_MS);
    }
    if (key === undefined) return;
    if (status !== 200 || load.outcome === "not to be kept") viewing.isRefused = true;
  }

  /** A client would have to wait: what nobody waits for is given up. */
  #yieldPlace(): void {
    for (const load of [...this.#running].reverse()) {
      if (!load.isAhead || load.clients > 0) continue;
      this.#running.delete(load);
      load.end(new DOMException("A client needs the place", "AbortError"));
      return;
    }
  }

  /** Drops what the store does not give any more. */
  #judge({ status }: Response, { study, series, instance, class: kind }: Transaction): void {
    if (status === 401) this.#drop({});
    else if (status === 403) this.#drop({ study });
    else if ((status === 404 || status === 410) && kind === "retrieve" && study !== undefined) {
      this.#drop({ study, series, instance });
    }
  }

  #drop(resource: ResourcePath): void {
    const { memory, server } = this.#options;
    memory.drop(server, resource);
    this.#orders.forget(resource.study);
    for (const [key, load] of this.#loads) {
      if (overlaps(load.resource, resource)) this.#loads.delete(key);
    }
    for (const load of this.#running) if (overlaps(load.resource, resource)) load.forget();
    for (const viewing of this.#viewings.values()) {
      if (resource.study === undefined || viewing.placed.study === resource.study) {
        viewing.reconsider();
      }
    }
  }

  /** What begins the key of an answer. */
  #representationOf(forward: ForwardRequest): string {
    const fields = choosingHeaders(this.#options.headersFor(forward))
      .map(([name, value]) => `${name}:${value}`).sort();
    // No header contains a line feed.
    return [this.#options.server, forward.publicUrl ?? "", ...fields, ""].join("\n");
  }
}

/** The request to the store has a time limit of its own. */
function waitForLoad(running: RunningRequest): void {
  running.extend(Infinity, "the answer to a request under way");
}

/** A request to the store, and for what. */
interface Begun {
  readonly forward: ForwardRequest;
  /** Undefined if its answer is not kept. */
  readonly key?: string | undefined;
  readonly viewing?: Viewing | undefined;
}

interface Ahead extends Begun {
  readonly viewing: Viewing;
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
