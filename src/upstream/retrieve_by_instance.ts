/**
 * Retrieves a study or series instance by instance, for stores that retrieve nothing else: lists all
 * instances, fetches them several at a time, and sends them to the client as one multipart answer in the list's
 * order.
 *
 * One that cannot be fetched is put off and tried once more at the end. If it still fails, the client's
 * transfer fails: an answer that ends well is always complete.
 *
 * @module
 */
import { acceptInQuery, isAcceptable, withoutAccept } from "../dicomweb/media_type/acceptable.ts";
import {
  type MultipartPartInit,
  newBoundary,
  writeMultipart,
} from "../dicomweb/multipart/multipart_writer.ts";
import type { Transaction } from "../dicomweb/transaction/transaction.ts";
import { GatewayError } from "../errors/gateway_error.ts";
import { openInstance } from "./instance_part.ts";
import { listInstances } from "./instance_list.ts";
import type { ListedInstance } from "./listed_instance.ts";
import type { Pace } from "./pace.ts";
import { getAtPace } from "./paced_get.ts";
import { type StoreExchange, unconditional } from "./store_exchange.ts";

/** How to go about it. */
export interface RetrieveByInstanceRules {
  /** How many instances are fetched at once. */
  readonly concurrency: number;
  /** How many results a page of the store's searches has at most; 0: the store decides. */
  readonly pageSize: number;
  /** How many results the store lists of one search in all; 0: any number. */
  readonly maxResults: number;
  /** The store's quota. */
  readonly pace: Pace;
  /** The client's own `Accept`. */
  readonly accept: string | null;
}

/** What the answer is. */
const ANSWER_TYPE = 'multipart/related; type="application/dicom"';

/** What came of trying to fetch one. */
type Fetched = { readonly part: MultipartPartInit } | { readonly failure: unknown };

/**
 * Retrieves a study or series.
 *
 * @param whole The client's request; its `Accept` is what the store has for one instance.
 * @returns One multipart answer; or the store's own answer where the list fails, 404 where there is
 * nothing.
 * @throws {GatewayError} NET-005 with status 406 where the client accepts no such answer; NET-009 where not
 * all instances can be listed, or not one could be fetched.
 */
export async function retrieveByInstance(
  whole: StoreExchange,
  transaction: Transaction,
  rules: RetrieveByInstanceRules,
): Promise<Response> {
  const exchange = unconditional(whole);
  const accepted = acceptInQuery(transaction.query) ?? rules.accept;
  if (!isAcceptable(accepted, ANSWER_TYPE)) throw notAcceptable();
  const query = withoutAccept(transaction.query);
  const found = await listInstances(exchange, transaction, query, rules);
  if (found instanceof Response) return found;
  const { prefix, study } = transaction;
  const queue = new FetchQueue(found, {
    concurrency: rules.concurrency,
    signal: exchange.signal,
  }, async ({ series, instance }) => {
    const path = `${prefix}/studies/${study}/series/${series}/instances/${instance}`;
    const target = query === "" ? path : `${path}?${query}`;
    return await openInstance(await getAtPace(exchange, target, rules.pace), instance);
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
    headers: { "content-type": `${ANSWER_TYPE}; boundary=${boundary}` },
  });
}

/** Fetches ahead, gives in order, and puts off what fails. */
class FetchQueue {
  readonly #fetchOne: (instance: ListedInstance) => Promise<MultipartPartInit>;
  readonly #waiting: ListedInstance[];
  readonly #ahead: { readonly instance: ListedInstance; readonly fetched: Promise<Fetched> }[] = [];
  readonly #concurrency: number;
  readonly #signal: AbortSignal;
  readonly #putOff: ListedInstance[] = [];
  /** Why the last one failed. */
  lastFailure: unknown;

  constructor(
    instances: readonly ListedInstance[],
    { concurrency, signal }: { readonly concurrency: number; readonly signal: AbortSignal },
    fetchOne: (instance: ListedInstance) => Promise<MultipartPartInit>,
  ) {
    this.#waiting = [...instances].reverse();
    this.#concurrency = concurrency;
    this.#signal = signal;
    this.#fetchOne = fetchOne;
  }

  /** @returns The first answer that is one; nothing when every instance failed, also the second time. */
  async firstSuccess(): Promise<MultipartPartInit | undefined> {
    return await this.next() ?? await this.nextPutOff();
  }

  /** @returns The next answer; nothing when all have been tried once. */
  async next(): Promise<MultipartPartInit | undefined> {
    for (;;) {
      while (this.#ahead.length < this.#concurrency) {
        const instance = this.#waiting.pop();
        if (instance === undefined) break;
        this.#ahead.push({ instance, fetched: settle(this.#fetchOne(instance)) });
      }
      const oldest = this.#ahead.shift();
      if (oldest === undefined) return undefined;
      const fetched = await oldest.fetched;
      if ("part" in fetched) return fetched.part;
      this.#failed(fetched.failure);
      this.#putOff.push(oldest.instance);
    }
  }

  /** @returns The next answer among those that failed before; nothing when none is left. */
  async nextPutOff(): Promise<MultipartPartInit | undefined> {
    for (let instance = this.#putOff.shift(); instance; instance = this.#putOff.shift()) {
      const fetched = await settle(this.#fetchOne(instance));
      if ("part" in fetched) return fetched.part;
      this.#failed(fetched.failure);
    }
    return undefined;
  }

  /** @throws The signal's reason when it has aborted: all others would fail too. */
  #failed(failure: unknown): void {
    this.#signal.throwIfAborted();
    this.lastFailure = failure;
  }

  /** Gives up what was fetched ahead. */
  async close(): Promise<void> {
    this.#waiting.length = 0;
    for (const { fetched } of this.#ahead.splice(0)) {
      const outcome = await fetched;
      if ("part" in outcome) await cancel(outcome.part);
    }
  }
}

async function* partsOf(
  first: MultipartPartInit,
  queue: FetchQueue,
  count: number,
): AsyncGenerator<MultipartPartInit> {
  try {
    let sent = 0;
    for (
      let part: MultipartPartInit | undefined = first;
      part;
      part = await queue.next() ?? await queue.nextPutOff()
    ) {
      yield part;
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

async function settle(promise: Promise<MultipartPartInit>): Promise<Fetched> {
  try {
    return { part: await promise };
  } catch (failure) {
    return { failure };
  }
}

async function cancel({ body }: MultipartPartInit): Promise<void> {
  if (body instanceof ReadableStream) await body.cancel().catch(() => {});
}

function notAcceptable(): GatewayError {
  return new GatewayError(
    "NET-005",
    "Cannot retrieve in a media type that the client accepts: this store retrieves single instances only, " +
      `and of a study or series the gateway makes ${ANSWER_TYPE}`,
    { status: 406, troubleshooting: [`Accept ${ANSWER_TYPE}, or retrieve single instances`] },
  );
}
