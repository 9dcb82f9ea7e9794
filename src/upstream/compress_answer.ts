/**
 * Decides which responses of stores the gateway compresses for the client: JSON, XML and text. Never parts
 * of a body, what the store forbids to transform, and images, which are compressed in themselves.
 */
import type { Bytes, ByteStream } from "../dicomweb/bytes.ts";
import { readingFailure } from "../dicomweb/completeness/whole_body.ts";
import { acceptedCodings } from "../dicomweb/media_type/accept_encoding.ts";
import { takeGzip } from "../network/http1/content_decoding.ts";
import { describeChangedBody } from "./changed_body.ts";
import { gzipBody } from "./gzip_body.ts";

/** Shorter bodies are sent as they are: one packet either way. */
const MIN_BYTES = 1024;

/** Statuses without a body, and with a part of one, whose bytes are already counted. */
const NOT_WHOLE: ReadonlySet<number> = new Set([204, 205, 206, 304]);
const JSON_OR_XML = /[/+](?:json|xml)$/;

export interface CompressibleAnswer {
  readonly status: number;
  /** The headers for the client. */
  readonly headers: Headers;
  /** The length of the store's body, if known. */
  readonly bytes: number | undefined;
}

/** How to compress a response to a request; undefined if it is sent without coding. */
export function compressionFor(
  request: Pick<Request, "headers">,
  { status, headers, bytes }: CompressibleAnswer,
): { readonly minBytes: number } | undefined {
  const contentType = headers.get("content-type");
  if (contentType === null || !isText(contentType) || NOT_WHOLE.has(status)) return undefined;
  const accepted = acceptedCodings(request.headers.get("accept-encoding"));
  if (!accepted.gzip) return undefined;
  if (headers.has("content-encoding") || headers.has("content-range")) return undefined;
  const cacheControl = headers.get("cache-control") ?? "";
  if (FORBIDDEN.test(cacheControl)) return undefined;
  if (FORBIDDEN.test(request.headers.get("cache-control") ?? "")) {
    // The runtime compresses by itself unless the response forbids it.
    headers.set("cache-control", `${cacheControl}, no-transform`);
    return undefined;
  }
  const minBytes = accepted.identity ? MIN_BYTES : 0;
  return bytes !== undefined && bytes < minBytes ? undefined : { minBytes };
}

/** RFC 9111, sections 5.2.1.6 and 5.2.2.6. */
const FORBIDDEN = /(?:^|[,\s])no-transform(?:$|[,\s])/i;

/**
 * Compresses a body for the client, or passes it as the store has compressed it, and corrects the headers
 * (RFC 9110, sections 8.4 and 8.8.3.3).
 *
 * @param options `headers` are those for the client, which are changed.
 * @throws {GatewayError} NET-002 if the body breaks off before its beginning is sent.
 */
export async function compressAnswer(
  body: Bytes | ByteStream | null,
  { method, headers, minBytes }: {
    readonly method: string;
    readonly headers: Headers;
    readonly minBytes: number;
  },
): Promise<Bytes | ByteStream | null> {
  // A response to HEAD describes the body of GET (RFC 9110, section 9.3.2).
  if (body === null || method === "HEAD") {
    if (method === "HEAD") describeCompressed(headers);
    return body;
  }
  const kept = body instanceof Uint8Array ? undefined : takeGzip(body);
  if (kept !== undefined) {
    describeCompressed(headers);
    return kept;
  }
  const coded = await gzipBody(body, { minBytes }).catch((cause) => {
    throw readingFailure(cause);
  });
  if (coded.isCoded) describeCompressed(headers);
  return coded.body;
}

function describeCompressed(headers: Headers): void {
  describeChangedBody(headers);
  headers.set("content-encoding", "gzip");
}

function isText(contentType: string): boolean {
  const end = contentType.indexOf(";");
  const essence = (end < 0 ? contentType : contentType.slice(0, end)).trim().toLowerCase();
  return essence.startsWith("text/") || JSON_OR_XML.test(essence);
}
