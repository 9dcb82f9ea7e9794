/**
 * Retrieves a study or series instance by instance, for stores that support nothing else, and for far
 * ones, where several connections are faster: lists all instances, fetches several at a time, and sends them
 * to the client as one multipart response in the order of the list. An instance that cannot be fetched is
 * retried once at the end. If it fails again, the client's transfer fails: a response that ends is always
 * complete.
 */
import { acceptInQuery, isAcceptable, withoutAccept } from "../dicomweb/media_type/acceptable.ts";
import {
  type MultipartPartInit,
  newBoundary,
  writeMultipart,
} from "../dicomweb/multipart/multipart_writer.ts";
import type { Transaction } from "../dicomweb/transaction/transaction.ts";
import { GatewayError } from "../errors/gateway_error.ts";
import { FetchQueue } from "./fetch_queue.ts";
import type { ByteBudget } from "./holding_room.ts";
import { openInstance } from "./instance_part.ts";
import { listInstances } from "./instance_list.ts";
import type { ListedInstance } from "./listed_instance.ts";
import { getAtPace } from "./pace.ts";
import type { PagedSearchRules } from "./paged_search.ts";
import { OF_ONE_ANSWER, type StoreExchange, unconditional } from "./store_exchange.ts";

export interface RetrieveByInstanceRules extends Required<PagedSearchRules> {
  /** How many instances are fetched at once. */
  readonly concurrency: number;
  /** For what is received before it can be sent. */
  readonly memory: ByteBudget;
  /** The client's own `Accept`. */
  readonly accept: string | null;
}

const ANSWER_TYPE = 'multipart/related; type="application/dicom"';

/** Up to this many instances, one request is as fast as several. */
const FEW = 2;

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
  return found instanceof Response ? found : await retrieve(found, exchange, transaction, rules);
}

/**
 * The same for a store that also retrieves studies and series as such.
 *
 * @returns Undefined if one request does as well, or if it has to show what is wrong.
 */
export async function retrieveInParallel(
  whole: StoreExchange,
  transaction: Transaction,
  rules: RetrieveByInstanceRules,
): Promise<Response | undefined> {
  // Conditions and ranges are about one response.
  if (OF_ONE_ANSWER.some((name) => whole.headers.has(name))) return undefined;
  const accepted = acceptInQuery(transaction.query) ?? rules.accept;
  if (!isAcceptable(accepted, ANSWER_TYPE)) return undefined;
  try {
    const query = withoutAccept(transaction.query);
    const found = await listInstances(whole, transaction, query, rules);
    if (!(found instanceof Response)) {
      return found.length > FEW ? await retrieve(found, whole, transaction, rules) : undefined;
    }
    await found.body?.cancel();
  } catch (error) {
    whole.signal.throwIfAborted();
    if (!(error instanceof GatewayError)) throw error;
  }
  return undefined;
}

/** Fetches the instances, of which the first is there when this returns. */
async function retrieve(
  found: readonly ListedInstance[],
  exchange: StoreExchange,
  transaction: Transaction,
  rules: RetrieveByInstanceRules,
): Promise<Response> {
  const { prefix, study } = transaction;
  const query = withoutAccept(transaction.query);
  const { concurrency, memory, pace } = rules;
  const queue = new FetchQueue(found, {
    concurrency,
    memory,
    signal: exchange.signal,
  }, async ({ series, instance }) => {
    const path = `${prefix}/studies/${study}/series/${series}/instances/${instance}`;
    const target = query === "" ? path : `${path}?${query}`;
    return await openInstance(await getAtPace(exchange, target, pace), instance);
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
