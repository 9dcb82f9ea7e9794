/**
 * Decides by the store's profile which requests a client's request becomes at the store, and normalizes
 * the response.
 */
import { acceptInQuery } from "../dicomweb/media_type/acceptable.ts";
import type { Rules } from "../dicomweb/profile/profile.ts";
import type { StowOutcome } from "../dicomweb/stow/stow_outcome.ts";
import type { Transaction } from "../dicomweb/transaction/transaction.ts";
import type { Logger } from "../telemetry/logger.ts";
import type { Pace } from "./pace.ts";
import type { BatchSender } from "./batch_sender.ts";
import type { ByteBudget } from "./holding_room.ts";
import { retrieveByInstance, retrieveInParallel } from "./retrieve_by_instance.ts";
import { needsPages, searchInPages } from "./search_in_pages.ts";
import type { StoreExchange } from "./store_exchange.ts";
import { normaliseStowAnswer } from "./store_answer.ts";
import { StoredForm } from "./stored_form.ts";
import { needsSplitting, storeInParts } from "./store_in_parts.ts";
import { retrieveMetadataBySeries } from "./study_metadata.ts";
import { StowUpload } from "./stow_upload.ts";
import { needsUnwrapping, unwrapSinglePart } from "./unwrap_single_part.ts";
import { needsWrapping, wrapSinglePart } from "./wrap_single_part.ts";

export interface DispatchOptions {
  readonly rules: Rules;
  readonly pace: Pace;
  /** For what is received before it can be sent. */
  readonly memory: ByteBudget;
  /** Sends uploads in batches, if the profile does. */
  readonly batches?: BatchSender | undefined;
  /** The client's own `Accept`. */
  readonly accept: string | null;
  /** Name of the configured server. */
  readonly server: string;
  /** Base URL of the store. */
  readonly storeUrl: string;
  readonly logger: Logger;
  /** Receives what the store reports of an upload. */
  readonly onOutcome?: ((outcome: StowOutcome) => void) | undefined;
}

/** Searches besides those of the class `query`; they are searches by PS3.18, section 8.3.4. */
const WORKLIST_SEARCHES: ReadonlySet<string> = new Set([
  "search-workitems",
  "search-scheduled-procedure-steps",
]);

/** Transactions whose response is a report of the instances (PS3.18, annex I). */
const REPORTED: ReadonlySet<string> = new Set(["store", "store-or-replace"]);

/**
 * Sends a client's request, translated for the store.
 *
 * @throws {GatewayError} What sending throws; NET-009 if the store's responses contradict each other.
 */
export async function dispatch(
  exchange: StoreExchange,
  transaction: Transaction,
  options: DispatchOptions,
): Promise<Response> {
  const { rules, pace, accept, memory } = options;
  const isGet = exchange.method === "GET";
  const pages = { pageSize: rules.searchPageSize, maxResults: rules.searchMaxResults };
  if (transaction.class === "query" || WORKLIST_SEARCHES.has(transaction.name)) {
    const response = isGet && needsPages(exchange.target, pages)
      ? await searchInPages(exchange, pages)
      : await plain(exchange);
    return response.status === 204 && isGet && rules.emptySearchAsList
      ? emptyList(response)
      : response;
  }
  switch (transaction.class) {
    case "retrieve": {
      const { name, series } = transaction;
      const partwise = { ...pages, concurrency: rules.retrieveConcurrency, memory, pace, accept };
      if (
        isGet && rules.metadataBySeries && name === "retrieve-metadata" && series === undefined
      ) return await retrieveMetadataBySeries(exchange, transaction, partwise);
      const storedForm = new StoredForm(exchange, transaction, options);
      if (
        isGet && rules.retrieveByInstance &&
        (name === "retrieve-study" || name === "retrieve-series")
      ) {
        return storedForm.withWarning(
          await retrieveByInstance(storedForm.exchange, transaction, partwise),
        );
      }
      const inParallel = isGet && rules.retrieveInParallel &&
          (name === "retrieve-study" || name === "retrieve-series")
        ? await retrieveInParallel(storedForm.exchange, transaction, partwise)
        : undefined;
      if (inParallel !== undefined) return storedForm.withWarning(inParallel);
      const response = storedForm.withWarning(await plain(storedForm.exchange));
      if (!isGet) return response;
      if (rules.wrapSingleParts && needsWrapping(accept, response)) return wrapSinglePart(response);
      const request = { transaction, target: exchange.target };
      return rules.unwrapSingleParts && needsUnwrapping(accept, request, response)
        ? await unwrapSinglePart(response)
        : response;
    }
    case "store":
      return REPORTED.has(transaction.name) && exchange.body !== null
        ? await store(exchange, exchange.body, transaction, options)
        : await plain(exchange);
    default:
      return await plain(exchange);
  }
}

async function store(
  exchange: StoreExchange,
  body: NonNullable<StoreExchange["body"]>,
  { name, query }: Transaction,
  { rules, accept, server, storeUrl, logger, batches, onOutcome }: DispatchOptions,
): Promise<Response> {
  const bounds = { maxBytes: rules.storeMaxBytes, maxInstances: rules.storeMaxInstances };
  const answerRules = {
    asJson: rules.storeAnswerAsJson,
    duplicateReasons: rules.duplicateReasons,
    accept: acceptInQuery(query) ?? accept,
    server,
    onOutcome,
  };
  if (name === "store" && needsSplitting(exchange.headers, bounds, batches)) {
    const concurrency = rules.storeConcurrency;
    const parts = { ...bounds, ...answerRules, concurrency, batches, storeUrl, logger };
    return await storeInParts(exchange, parts);
  }
  const upload = new StowUpload(body, exchange.headers);
  const over = new AbortController();
  const signal = AbortSignal.any([exchange.signal, over.signal]);
  const response = await plain({ ...exchange, body: upload.body, signal });
  try {
    return await normaliseStowAnswer(response, upload, answerRules);
  } catch (error) {
    // The rest of the upload would be sent in vain.
    over.abort(error);
    throw error;
  }
}

function plain({ client, method, target, resource, headers, body, signal, keep }: StoreExchange) {
  return client.send({ method, target, resource, headers, body, signal }, keep);
}

function emptyList({ headers: given }: Response): Response {
  const headers = new Headers(given);
  headers.set("content-type", "application/dicom+json");
  headers.delete("content-length");
  return new Response("[]", { status: 200, headers });
}
