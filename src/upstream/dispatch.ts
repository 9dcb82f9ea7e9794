/**
 * Decides how many requests a client's one becomes at a store, by the store's profile, and puts right
 * what an answer lacks.
 *
 * @module
 */
import type { Rules } from "../dicomweb/profile/profile.ts";
import type { Transaction } from "../dicomweb/transaction/transaction.ts";
import type { Logger } from "../telemetry/logger.ts";
import type { Pace } from "./pace.ts";
import { retrieveByInstance } from "./retrieve_by_instance.ts";
import { needsPages, searchInPages } from "./search_in_pages.ts";
import type { StoreExchange } from "./store_exchange.ts";
import { normaliseStowAnswer, type StoreAnswerRules } from "./store_answer.ts";
import { needsSplitting, storeInParts } from "./store_in_parts.ts";
import { StowUpload } from "./stow_upload.ts";
import { needsWrapping, wrapSinglePart } from "./wrap_single_part.ts";

/** What decides. */
export interface DispatchOptions {
  readonly rules: Rules;
  /** The store's quota. */
  readonly pace: Pace;
  /** The client's own `Accept`. */
  readonly accept: string | null;
  /** Name of the configured server. */
  readonly server: string;
  /** Base URL of the store. */
  readonly storeUrl: string;
  readonly logger: Logger;
}

/** Transactions that a store answers with a report of the instances (PS3.18, annex I). */
const REPORTED: ReadonlySet<string> = new Set(["store", "store-or-replace"]);

/**
 * Asks a store for what the client asked for.
 *
 * @param exchange The client's request, in the store's words.
 * @returns The answer, in the store's words.
 * @throws {GatewayError} Whatever sending throws; NET-009 where the store's answers do not fit together.
 */
export async function dispatch(
  exchange: StoreExchange,
  transaction: Transaction,
  options: DispatchOptions,
): Promise<Response> {
  const { rules, pace, accept } = options;
  const isGet = exchange.method === "GET";
  switch (transaction.class) {
    case "query": {
      const pages = { pageSize: rules.searchPageSize, maxResults: rules.searchMaxResults };
      const response = isGet && needsPages(exchange.target, pages)
        ? await searchInPages(exchange, pages)
        : await plain(exchange);
      return response.status === 204 && isGet && rules.emptySearchAsList
        ? emptyList(response)
        : response;
    }
    case "retrieve": {
      const { name } = transaction;
      if (
        isGet && rules.retrieveByInstance &&
        (name === "retrieve-study" || name === "retrieve-series")
      ) {
        return await retrieveByInstance(exchange, transaction, {
          concurrency: rules.retrieveConcurrency,
          pageSize: rules.searchPageSize,
          maxResults: rules.searchMaxResults,
          pace,
          accept,
        });
      }
      const response = await plain(exchange);
      return isGet && rules.wrapSingleParts && needsWrapping(accept, response)
        ? wrapSinglePart(response)
        : response;
    }
    case "store":
      return REPORTED.has(transaction.name) && exchange.body !== null
        ? await store(exchange, transaction, options)
        : await plain(exchange);
    default:
      return await plain(exchange);
  }
}

/** Stores, in one request or several, and makes of the answers what PS3.18 has the client told. */
async function store(
  exchange: StoreExchange,
  { name }: Transaction,
  { rules, accept, server, storeUrl, logger }: DispatchOptions,
): Promise<Response> {
  const bounds = { maxBytes: rules.storeMaxBytes, maxInstances: rules.storeMaxInstances };
  const answerRules = {
    asJson: rules.storeAnswerAsJson,
    duplicateReasons: rules.duplicateReasons,
    accept,
    server,
    logger,
  };
  if (name === "store" && needsSplitting(exchange.headers, bounds)) {
    const concurrency = rules.storeConcurrency;
    return await storeInParts(exchange, { ...bounds, ...answerRules, concurrency, storeUrl });
  }
  return await storeWhole(exchange, answerRules);
}

/** Stores in one request, and compares the store's report with what was sent. */
async function storeWhole(
  exchange: StoreExchange,
  rules: StoreAnswerRules,
): Promise<Response> {
  const { client, method, target, headers, body, signal, keep } = exchange;
  if (body === null) return await plain(exchange);
  const upload = new StowUpload(body, headers);
  const over = new AbortController();
  const response = await client.send({
    method,
    target,
    headers,
    body: upload.body,
    signal: AbortSignal.any([signal, over.signal]),
  }, keep);
  try {
    return await normaliseStowAnswer(response, upload, rules);
  } catch (error) {
    // Whatever is left of the upload would be sent in vain.
    over.abort(error);
    throw error;
  }
}

function plain({ client, method, target, headers, body, signal, keep }: StoreExchange) {
  return client.send({ method, target, headers, body, signal }, keep);
}

function emptyList({ headers: given }: Response): Response {
  const headers = new Headers(given);
  headers.set("content-type", "application/dicom+json");
  headers.delete("content-length");
  return new Response("[]", { status: 200, headers });
}
