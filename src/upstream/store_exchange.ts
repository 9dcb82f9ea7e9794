/**
 * One client's request on its way to a store, as the strategies get it that make several requests of
 * one.
 *
 * @module
 */
import type { KeptBody } from "../credentials/authorizer.ts";
import type { StoreClient } from "./store_client.ts";

/** A client's request, checked, its headers end-to-end and in the store's words. */
export interface StoreExchange {
  /** Signs and sends. */
  readonly client: Pick<StoreClient, "send">;
  readonly method: string;
  /** Path below the store's base URL, and query. */
  readonly target: string;
  /** Headers for the store. Each request that is made of this one gets a copy of its own. */
  readonly headers: Headers;
  readonly body: ReadableStream<Uint8Array<ArrayBuffer>> | null;
  /** Aborts when the client has gone or a limit has passed. */
  readonly signal: AbortSignal;
  /** Takes a body that signing had to keep; it is freed when the exchange is over. */
  readonly keep: (body: KeptBody) => unknown;
  /** Called when one of several requests has been answered: the time limit for an answer begins anew. */
  readonly proceed?: () => void;
  /** Translates a URL of the store for the client; undefined if URLs are not rewritten. */
  readonly translateUrl?: ((url: string) => string) | undefined;
}

/** A response whose URLs are the client's already. */
export class TranslatedResponse extends Response {}

/** What a client asks of one answer (RFC 9110, sections 13.1 and 14.2), not of those it is made of. */
const OF_ONE_ANSWER = [
  "if-match",
  "if-modified-since",
  "if-none-match",
  "if-range",
  "if-unmodified-since",
  "range",
];

/**
 * An exchange for requests whose answers become one: a store that answered some of them with 304 or 206
 * would leave a part out.
 *
 * @returns The same without conditions and ranges.
 */
export function unconditional(exchange: StoreExchange): StoreExchange {
  const headers = new Headers(exchange.headers);
  for (const name of OF_ONE_ANSWER) headers.delete(name);
  return { ...exchange, headers };
}

/**
 * Sends a GET that belongs to an exchange.
 *
 * @param target Path below the store's base URL, and query.
 * @param headers Headers to set on top of the exchange's.
 */
export function get(
  exchange: StoreExchange,
  target: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<Response> {
  const own = new Headers(exchange.headers);
  for (const name in headers) own.set(name, headers[name]!);
  return exchange.client.send(
    { method: "GET", target, headers: own, body: null, signal: exchange.signal },
    exchange.keep,
  );
}
