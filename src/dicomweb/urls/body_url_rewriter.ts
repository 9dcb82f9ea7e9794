/**
 * Decides whether a message's body has URLs to translate. A body without them passes natively.
 */
import type { Bytes, ByteStream } from "../bytes.ts";
import {
  type ByteRewriter,
  type RewritableMessage,
  rewriteBody,
  rewriteStream,
} from "./byte_rewriter.ts";
import { contentUrlRewriter } from "./content_url_rewriter.ts";
import { DICOM_JSON_PLACES, VENDOR_JSON_PLACES } from "./json_url_places.ts";
import { isEncoded, parseMediaType } from "../media_type/media_type.ts";
import { isBoundary } from "../multipart/multipart_scanner.ts";
import { MultipartUrlRewriter } from "./multipart_url_rewriter.ts";
import type { TransactionClass } from "../transaction/transaction_catalogue.ts";
import type { UrlTranslation } from "./url_translation.ts";

export interface BodyToRewrite {
  readonly headers: Headers;
  /** Undefined for requests. */
  readonly status?: number;
  readonly transactionClass?: TransactionClass;
  /** Path below the store's base URL, and query, of the request. */
  readonly resource?: string;
  /**
   * Whether URLs in the headers of parts that are neither JSON nor XML are translated; default
   * true. If false, instances and pixel data pass natively, twice as fast.
   */
  readonly partHeaders?: boolean;
}

export interface BodyUrlRewrite {
  /** For a body of any length. */
  readonly stream: TransformStream<Bytes, Bytes>;
  /** Faster for short bodies: waits for the beginning, which often is the whole. */
  readonly body: (message: RewritableMessage) => Promise<Bytes | ByteStream>;
}

/** Headers on length, digest and byte ranges of a body, wrong for a rewritten one. */
export const STALE_HEADERS: readonly string[] = [
  "accept-ranges",
  "content-digest",
  "content-length",
  "content-md5",
  "digest",
  "repr-digest",
];

/** Statuses without a body, and with a part of one, whose bytes are already counted. */
const NOT_WHOLE = new Set([204, 205, 206, 304]);
const PART_TYPES_WITH_URLS = /(?:json|xml)$/i;

/** Creates the URL rewriter for a body; undefined if the body passes unchanged. */
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
  };
}

function makeRewriter(translation: UrlTranslation, body: BodyToRewrite): ByteRewriter | undefined {
  const { headers, transactionClass, resource, partHeaders = true } = body;
  const options = {
    resource,
    places: transactionClass === "vendor" ? VENDOR_JSON_PLACES : DICOM_JSON_PLACES,
  };
  const type = parseMediaType(headers.get("content-type") ?? "");
  if (!type?.essence.startsWith("multipart/")) {
    return contentUrlRewriter(headers, translation, options);
  }
  const boundary = type.parameters.get("boundary") ?? "";
  // Without a type of the parts they may be anything.
  const mayHaveUrls = partHeaders ||
    PART_TYPES_WITH_URLS.test(type.parameters.get("type") ?? "xml");
  if (!isBoundary(boundary) || isEncoded(headers) || !mayHaveUrls) return undefined;
  return new MultipartUrlRewriter(translation, { ...options, boundary });
}
