/**
 * Makes the metadata of a study from that of its series, for stores that have no other: one list, in the
 * order of the series. A series that cannot be read to its end makes the transfer fail: a list that ends is
 * always complete.
 */
import { acceptInQuery, isAcceptable, withoutAccept } from "../dicomweb/media_type/acceptable.ts";
import { JsonListWriter } from "../dicomweb/search/json_list_writer.ts";
import type { Transaction } from "../dicomweb/transaction/transaction.ts";
import { GatewayError } from "../errors/gateway_error.ts";
import { type ListedDataset, MAX_METADATA_BYTES, readListBody } from "./json_list_body.ts";
import { type ListedSeries, seriesOf } from "./listed_instance.ts";
import { getAtPace } from "./pace.ts";
import { PagedSearch } from "./paged_search.ts";
import type { RetrieveByInstanceRules } from "./retrieve_by_instance.ts";
import { type StoreExchange, unconditional } from "./store_exchange.ts";

const ANSWER_TYPE = "application/dicom+json";
const PIECE_BYTES = 64 * 1024;

/**
 * @param whole The client's request for the metadata of a study.
 * @param rules `concurrency`: how many series are requested at once.
 * @returns One list; the store's own response if the search or the first series fails, 404 without
 * instances.
 * @throws {GatewayError} NET-005 with status 406 if the client does not accept this; NET-009 if the series
 * of the study cannot all be listed.
 */
export async function retrieveMetadataBySeries(
  whole: StoreExchange,
  { prefix, study, query: asked }: Transaction,
  rules: RetrieveByInstanceRules,
): Promise<Response> {
  if (!isAcceptable(acceptInQuery(asked) ?? rules.accept, ANSWER_TYPE)) {
    throw new GatewayError(
      "NET-005",
      "Cannot retrieve in a media type that the client accepts: the gateway makes the metadata of a " +
        `study from that of its series, as ${ANSWER_TYPE}`,
      {
        status: 406,
        troubleshooting: [`Accept ${ANSWER_TYPE}, or retrieve the metadata of series`],
      },
    );
  }
  const exchange = unconditional(whole);
  exchange.headers.set("accept", ANSWER_TYPE);
  const path = `${prefix}/studies/${study}/series`;
  const series = await listSeries(exchange, path, rules);
  if (series instanceof Response) return series;

  const query = withoutAccept(asked);
  const request = (uid: string) =>
    getAtPace(exchange, `${path}/${uid}/metadata${query && `?${query}`}`, rules.pace);
  const ahead = new RequestQueue(series.map(({ uid }) => () => request(uid)), rules.concurrency);
  const first = await ahead.next();
  if (first === undefined) return new Response(null, { status: 404 });
  if (!isMetadata(first, query)) {
    await ahead.cancel();
    return first;
  }
  const results = datasetsOf(series, first, ahead, { query, proceed: exchange.proceed });
  let result = await results.next();
  if (result.done) return new Response(null, { status: 404 });
  const list = new JsonListWriter();
  const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
    async pull(controller) {
      while (!result.done && list.bytes < PIECE_BYTES) {
        list.add(result.value.bytes);
        result = await results.next();
      }
      controller.enqueue(list.take(result.done === true));
      if (result.done) controller.close();
    },
    async cancel() {
      await results.return();
    },
  }, { highWaterMark: 0 });
  return new Response(body, { status: 200, headers: { "content-type": ANSWER_TYPE } });
}

/** All series of the study; the store's response if the search fails. */
async function listSeries(
  exchange: StoreExchange,
  path: string,
  rules: RetrieveByInstanceRules,
): Promise<readonly ListedSeries[] | Response> {
  const search = { target: `${path}?`, offset: 0, limit: undefined };
  const pages = await PagedSearch.begin(exchange, search, rules);
  if (pages instanceof Response) return pages;
  const series: ListedSeries[] = [];
  for await (const result of pages.results()) series.push(seriesOf(result));
  const { end } = pages;
  if (end.kind === "all") return series;
  const why = end.kind === "incomplete" ? end.reason : "the store does not list all of them";
  throw new GatewayError("NET-009", `Cannot list the series of the study: ${why}`);
}

/** Whether a response is metadata. Of a selection, such as an image set, a series may have none. */
function isMetadata({ status }: Response, query: string): boolean {
  return status === 200 || (status === 404 && query !== "");
}

async function* datasetsOf(
  series: readonly ListedSeries[],
  first: Response,
  ahead: RequestQueue,
  { query, proceed }: { readonly query: string; readonly proceed: (() => void) | undefined },
): AsyncGenerator<ListedDataset, void, void> {
  try {
    let response: Response | undefined = first;
    for (const { count } of series) {
      if (response === undefined || !isMetadata(response, query)) {
        await response?.body?.cancel();
        throw incomplete(`the store answered ${response?.status} for a series`);
      }
      let datasets = 0;
      if (response.status === 200) {
        for await (const dataset of readListBody(response, MAX_METADATA_BYTES)) {
          proceed?.();
          datasets++;
          yield dataset;
        }
      } else await response.body?.cancel();
      // The count does not respect a query.
      if (query === "" && count !== undefined && datasets < count) {
        throw incomplete(`the store counts ${count} instances of a series and names ${datasets}`);
      }
      response = await ahead.next();
    }
  } finally {
    await ahead.cancel();
  }
}

function incomplete(why: string): GatewayError {
  return new GatewayError("NET-009", `Cannot complete the metadata of the study: ${why}`);
}

/** Sends requests ahead, and returns the responses in order. */
class RequestQueue {
  readonly #waiting: (() => Promise<Response>)[];
  readonly #sent: Promise<Response>[] = [];
  readonly #concurrency: number;

  constructor(requests: readonly (() => Promise<Response>)[], concurrency: number) {
    this.#waiting = requests.toReversed();
    this.#concurrency = concurrency;
  }

  async next(): Promise<Response | undefined> {
    while (this.#sent.length < this.#concurrency) {
      const request = this.#waiting.pop();
      if (request === undefined) break;
      const response = request();
      // Its failure is thrown when its turn comes.
      response.catch(() => {});
      this.#sent.push(response);
    }
    return await this.#sent.shift();
  }

  /** Cancels what was requested and not returned. */
  async cancel(): Promise<void> {
    this.#waiting.length = 0;
    for (const response of this.#sent.splice(0)) {
      await response.then(({ body }) => body?.cancel()).catch(() => {});
    }
  }
}
