/**
 * Retrieves a study or series instance by instance, for stores that support nothing else: lists all
 * instances, fetches several at a time, and sends them to the client as one multipart response in the
 * order of the list. An instance that cannot be fetched is retried once at the end. If it fails again, the
 * client's transfer fails: a response that ends is always complete.
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
import { getAtPace } from "./pace.ts";
import type { PagedSearchRules } from "./paged_search.ts";
import { type StoreExchange, unconditional } from "./store_exchange.ts";

export interface RetrieveByInstanceRules extends Required<PagedSearchRules> {
  /** How many instances are fetched at once. */
  readonly concurrency: number;
  /** The client's own `Accept`. */
  readonly accept: string | null;
}

const ANSWER_TYPE = 'multipart/related; type="application/dicom"';

type Fetched = { readonly part: MultipartPartInit } | { readonly failure: unknown };

/**
 * @param whole The client's request, with the `Accept` for the store's single instances.
 * @returns One multipart response; the store's own if the list fails, 404 without instances.
 * @throws {GatewayError} NET-005 with status 406 if the client does not accept this; NET-009 if instances
 * may be missing from the list, or none could be fetched.
 */
export async function retrieveByInstance(
  whole: StoreExchange,
  transaction: Transaction,
  rules: RetrieveByInstanceRules,
): Promise<Response> {
  const exchange = unconditional(whole);
  const accepted = acceptInQuery(transaction.query) ?? rules.accept;
  if (!isAcceptable(accepted, ANSWER_TYPE)) {
    throw new GatewayError(
      "NET-005",
      "Cannot retrieve in a media type that the client accepts: this store retrieves single instances " +
        `only, and of a study or series the gateway makes ${ANSWER_TYPE}`,
      { status: 406, troubleshooting: [`Accept ${ANSWER_TYPE}, or retrieve single instances`] },
    );
  }
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

  const first = await queue.next();
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

/** Fetches ahead, returns the instances in order, and retries those that fail at the end. */
class FetchQueue {
  readonly #fetchOne: (instance: ListedInstance) => Promise<MultipartPartInit>;
  readonly #waiting: ListedInstance[];
  readonly #ahead: { readonly instance: ListedInstance; readonly fetched: Promise<Fetched> }[] = [];
  readonly #concurrency: number;
  readonly #signal: AbortSignal;
  readonly #failed: ListedInstance[] = [];
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

  /** The next instance; undefined if no other one could be fetched. */
  async next(): Promise<MultipartPartInit | undefined> {
    return await this.#nextInOrder() ?? await this.#nextRetried();
  }

  async #nextInOrder(): Promise<MultipartPartInit | undefined> {
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
      this.#record(fetched.failure);
      this.#failed.push(oldest.instance);
    }
  }

  async #nextRetried(): Promise<MultipartPartInit | undefined> {
    for (let instance = this.#failed.shift(); instance; instance = this.#failed.shift()) {
      const fetched = await settle(this.#fetchOne(instance));
      if ("part" in fetched) return fetched.part;
      this.#record(fetched.failure);
    }
    return undefined;
  }

  /** @throws The signal's reason when it has aborted: all others would fail, too. */
  #record(failure: unknown): void {
    this.#signal.throwIfAborted();
    this.lastFailure = failure;
  }

  /** Cancels what was fetched ahead. */
  async close(): Promise<void> {
    this.#waiting.length = 0;
    for (const { fetched } of this.#ahead.splice(0)) {
      const outcome = await fetched;
      if (!("part" in outcome)) continue;
      const { body } = outcome.part;
      if (body instanceof ReadableStream) await body.cancel().catch(() => {});
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
    for (let part: MultipartPartInit | undefined = first; part; part = await queue.next()) {
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
