/**
 * A client's request to a store, from which several requests may be made.
 */
import type { KeptBody } from "../credentials/authorizer.ts";
import type { StoreClient, StoreRequest } from "./store_client.ts";

/**
 * A client's request, checked and translated for the store. Each request that is made of it gets a copy of
 * its headers.
 */
export interface StoreExchange extends StoreRequest {
  readonly client: Pick<StoreClient, "send">;
  /** Called with a body that signing had to keep; it is freed at the end of the exchange. */
  readonly keep: (body: KeptBody) => unknown;
  /** Called after the response to one of several requests: the time limit begins anew. */
  readonly proceed?: () => void;
  /** Translates a URL of the store for the client; undefined if URLs are not rewritten. */
  readonly translateUrl?: ((url: string) => string) | undefined;
}

/** A response whose URLs are already the client's. */
export class TranslatedResponse extends Response {}

/** Conditions and ranges (RFC 9110, sections 13.1 and 14.2) hold for one response, not for its parts. */
export const OF_ONE_ANSWER: readonly string[] = [
  "if-match",
  "if-modified-since",
  "if-none-match",
  "if-range",
  "if-unmodified-since",
  "range",
];

/**
 * The exchange without conditions and ranges, for requests whose responses are merged: one of 304 or 206
 * would leave a part out.
 */
export function unconditional(exchange: StoreExchange): StoreExchange {
  const headers = new Headers(exchange.headers);
  for (const name of OF_ONE_ANSWER) headers.delete(name);
  return { ...exchange, headers };
}

/** Sends a GET that belongs to an exchange. */
export function get(
  { client, headers, signal, keep }: StoreExchange,
  target: string,
): Promise<Response> {
  const request = { method: "GET", target, headers: new Headers(headers), body: null, signal };
  return client.send(request, keep);
}
