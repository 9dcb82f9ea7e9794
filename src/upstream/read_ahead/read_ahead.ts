/**
 * Answers the requests of viewers for one far store: from memory, by joining a request that is under way,
 * or by the store. Drops from memory what changes, and what the store does not give any more.
 */
import type { Transaction } from "../../dicomweb/transaction/transaction.ts";
import {
  changesNothing,
  type TransactionName,
} from "../../dicomweb/transaction/transaction_catalogue.ts";
import { abortable } from "../../network/wait.ts";
import type { ForwardRequest } from "../forward_request.ts";
import type { RunningRequest } from "../running_request.ts";
import { type HeldAnswer, isFor, type ResourcePath } from "./answer_memory.ts";
import { BackgroundReader } from "./background_reader.ts";
import { type HeldResponse, heldResponse } from "./held_response.ts";
import type { Load, Loaded } from "./load.ts";
import { type Begun, Loads } from "./loads.ts";
import type { ReadAheadOptions } from "./read_ahead_options.ts";
import { choosingHeaders, isAnswerable, isConditional } from "./representation.ts";
import { LISTS, Viewings } from "./viewings.ts";

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

export class ReadAhead {
  readonly #options: ReadAheadOptions;
  readonly #loads: Loads;
  readonly #viewings: Viewings;
  readonly #reader: BackgroundReader;

  constructor(options: ReadAheadOptions) {
    this.#options = options;
    const viewings = this.#viewings = new Viewings(options);
    const loads = this.#loads = new Loads({
      ...options,
      onLoaded: (transaction, loaded) => void this.#learn(transaction, loaded),
      readerFor: (viewing, bytes) => viewings.readerFor(viewing, bytes),
    });
    this.#reader = new BackgroundReader({
      ...options,
      loads,
      viewings,
      judge: (response, transaction) => this.#judge(response, transaction),
    });
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
  close(): Promise<void> {
    return this.#reader.close();
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
    const viewing = this.#viewings.note(forward, representation);
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
      this.#reader.fill();
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
    this.#reader.fill();
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
    const load = this.#loads.create(begun, false);
    load.clients = 1;
    waitForLoad(running);
    const answered = load.begin(
      (own, observe) => this.#options.send(begun.forward, own, { observe }),
      running.signal,
    );
    this.#reader.fill();
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
    this.#loads.forget(resource);
    this.#viewings.forget(resource.study);
  }

  /** Learns what follows what from an answer, which may be read now. */
  async #learn(transaction: Transaction, loaded: Loaded): Promise<void> {
    if (await this.#viewings.learn(transaction, loaded)) this.#reader.fill();
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
