/**
 * Decides how many requests a client's one becomes at a store, by the store's profile, and puts right
 * what an answer lacks.
 *
 * @module
 */
import type { Rules } from "../dicomweb/profile.ts";
import type { Transaction } from "../dicomweb/transaction.ts";
import type { Logger } from "../telemetry/logger.ts";
import type { Pace } from "./pace.ts";
import { retrieveByInstance } from "./retrieve_by_instance.ts";
import { needsPages, searchInPages } from "./search_in_pages.ts";
import type { StoreExchange } from "./store_exchange.ts";
import { normaliseStowAnswer } from "./store_answer.ts";
import { needsSplitting, storeInParts } from "./store_in_parts.ts";
import { needsWrapping, wrapSinglePart } from "./wrap_single_part.ts";

/** What decides. */
export interface TransactOptions {
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

/**
 * Asks a store for what the client asked for.
 *
 * @param exchange The client's request, in the store's words.
 * @param transaction What it asks for.
 * @param options What decides.
 * @returns The answer, in the store's words.
 * @throws {GatewayError} Whatever sending throws; NET-009 where the store's answers do not fit together.
 */
export async function transact(
  exchange: StoreExchange,
  transaction: Transaction,
  options: TransactOptions,
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
      return transaction.name === "store" && exchange.body !== null
        ? await store(exchange, options)
        : await plain(exchange);
    default:
      return await plain(exchange);
  }
}

/** Stores, in one request or several, and makes of the answers what PS3.18 has the client told. */
async function store(
  exchange: StoreExchange,
  { rules, accept, server, storeUrl, logger }: TransactOptions,
): Promise<Response> {
  const bounds = { maxBytes: rules.storeMaxBytes, maxInstances: rules.storeMaxInstances };
  const answerRules = {
    asJson: rules.storeAnswerAsJson,
    duplicateReasons: rules.duplicateReasons,
    accept,
  };
  if (!needsSplitting(exchange.headers, bounds)) {
    return await normaliseStowAnswer(await plain(exchange), answerRules);
  }
  return await storeInParts(exchange, {
    ...bounds,
    ...answerRules,
    concurrency: rules.storeConcurrency,
    server,
    storeUrl,
    logger,
  });
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
