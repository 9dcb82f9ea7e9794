/**
 * Tells which content has URLs that a rewriter can translate.
 *
 * @module
 */
import type { ByteRewriter } from "./byte_rewriter.ts";
import { isEncoded } from "../media_type/content_encoding.ts";
import { JsonUrlRewriter, type JsonUrlRewriterOptions } from "./json_url_rewriter.ts";
import { parseMediaType } from "../media_type/media_type.ts";
import type { UrlTranslation } from "./url_translation.ts";
import { XmlUrlRewriter } from "./xml_url_rewriter.ts";

const JSON_TYPES: ReadonlySet<string> = new Set(["application/dicom+json", "application/json"]);
const XML_TYPES: ReadonlySet<string> = new Set([
  "application/dicom+xml",
  "application/xml",
  "text/xml",
  "application/vnd.sun.wadl+xml",
]);

/**
 * Makes a rewriter for the content of a message or of one part of it.
 *
 * @param translation What translates the URLs.
 * @param options The resource, and the places of URLs in JSON.
 * @returns The rewriter, or nothing for content of other types and for what is compressed or
 * otherwise encoded.
 */
export function contentUrlRewriter(
  headers: Headers,
  translation: UrlTranslation,
  options: JsonUrlRewriterOptions = {},
): ByteRewriter | undefined {
  const essence = parseMediaType(headers.get("content-type") ?? "")?.essence;
  if (essence === undefined || isEncoded(headers)) return undefined;
  if (JSON_TYPES.has(essence)) return new JsonUrlRewriter(translation, options);
  return XML_TYPES.has(essence) ? new XmlUrlRewriter(translation, options) : undefined;
}
