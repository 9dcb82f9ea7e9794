/**
 * Decides whether the body of a message has URLs to translate at all. Whatever has none goes
 * through the runtime without passing through JavaScript.
 *
 * @module
 */
import {
  type ByteRewriter,
  type RewritableMessage,
  rewriteBody,
  rewriteStream,
} from "./byte_rewriter.ts";
import { isEncoded } from "../media_type/content_encoding.ts";
import { contentUrlRewriter } from "./content_url_rewriter.ts";
import { DICOM_JSON_PLACES, VENDOR_JSON_PLACES } from "./json_url_places.ts";
import { parseMediaType } from "../media_type/media_type.ts";
import { MultipartError } from "../multipart/multipart_scanner.ts";
import { MultipartUrlRewriter } from "./multipart_url_rewriter.ts";
import type { TransactionClass } from "../transaction/transaction_catalogue.ts";
import type { UrlTranslation } from "./url_translation.ts";

/** What is known of a body before it comes. */
export interface BodyToRewrite {
  /** The headers of its message. */
  readonly headers: Headers;
  /** The status of its message, where that is an answer. */
  readonly status?: number;
  /** What the request asks for. */
  readonly transactionClass?: TransactionClass;
  /** Path below the store's base URL, and query, of the request. */
  readonly resource?: string;
  /**
   * Whether parts that are neither JSON nor XML may have URLs in their headers; true unless told.
   * Without it, instances and pixel data go through natively, twice as fast.
   */
  readonly partHeaders?: boolean;
}

/** How to translate the URLs of a body. */
export interface BodyUrlRewrite {
  /** What the body goes through, for a body of any length. */
  readonly stream: TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>;
  /** Rewrites a body whose beginning may be waited for, which is faster where that is all of it. */
  readonly body: (
    message: RewritableMessage,
  ) => Promise<Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array<ArrayBuffer>>>;
  /** Headers of the message that are no longer true, to be removed. */
  readonly staleHeaders: readonly string[];
}

/** What tells the length or a digest of a body, and that parts of it can be asked for by bytes. */
export const STALE_HEADERS: readonly string[] = [
  "accept-ranges",
  "content-digest",
  "content-length",
  "content-md5",
  "digest",
  "repr-digest",
];

/** Statuses of answers without a body, and with a part of one, whose bytes were counted already. */
const NOT_WHOLE = new Set([204, 205, 206, 304]);
const PART_TYPES_WITH_URLS = /(?:json|xml)$/i;

/**
 * Makes what translates the URLs of a body.
 *
 * @param body What is known of the body.
 * @returns The rewrite, or nothing where the body is to be passed on as it is.
 *
 * @example
 * ```ts
 * import { bodyUrlRewrite } from "./body_url_rewriter.ts";
 * import { createUrlMap } from "./url_map.ts";
 * import assert from "node:assert/strict";
 *
 * const { toGateway } = createUrlMap({
 *   storeBase: "https://store.example/v2",
 *   gatewayBase: "https://gateway.example/dicom-web/main",
 * });
 * const headers = new Headers({ "Content-Type": "application/dicom+json" });
 * const rewrite = bodyUrlRewrite(toGateway, { headers })!;
 * const body = new Response('{"BulkDataURI":"https://store.example/v2/bulk/1"}').body!;
 * assert.equal(
 *   await new Response(body.pipeThrough(rewrite.stream)).text(),
 *   '{"BulkDataURI":"https://gateway.example/dicom-web/main/bulk/1"}',
 * );
 * assert.ok(rewrite.staleHeaders.includes("content-length"));
 * ```
 */
export function bodyUrlRewrite(
  translation: UrlTranslation,
  body: BodyToRewrite,
): BodyUrlRewrite | undefined {
  if (body.status !== undefined && NOT_WHOLE.has(body.status)) return undefined;
  const rewriter = makeRewriter(translation, body);
  return rewriter && {
    get stream() {
      return rewriteStream(rewriter);
    },
    body: (message) => rewriteBody(message, rewriter),
    staleHeaders: STALE_HEADERS,
  };
}

function makeRewriter(translation: UrlTranslation, body: BodyToRewrite): ByteRewriter | undefined {
  const { headers, transactionClass, resource, partHeaders = true } = body;
  const options = {
    ...(resource !== undefined && { resource }),
    places: transactionClass === "vendor" ? VENDOR_JSON_PLACES : DICOM_JSON_PLACES,
  };
  const type = parseMediaType(headers.get("content-type") ?? "");
  if (!type?.essence.startsWith("multipart/")) {
    return contentUrlRewriter(headers, translation, options);
  }
  const boundary = type.parameters.get("boundary");
  // Of a part type that is missing nothing is known.
  const mayHaveUrls = partHeaders ||
    PART_TYPES_WITH_URLS.test(type.parameters.get("type") ?? "xml");
  if (boundary === undefined || isEncoded(headers) || !mayHaveUrls) return undefined;
  try {
    return new MultipartUrlRewriter(translation, { ...options, boundary });
  } catch (error) {
    if (error instanceof MultipartError) return undefined;
    throw error;
  }
}
