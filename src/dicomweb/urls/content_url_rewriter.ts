/**
 * Selects the URL rewriter by media type.
 */
import type { ByteRewriter } from "./byte_rewriter.ts";
import { JsonUrlRewriter, type JsonUrlRewriterOptions } from "./json_url_rewriter.ts";
import { isEncoded, parseMediaType } from "../media_type/media_type.ts";
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
 * Creates a rewriter for the content of a message or part; undefined if the media type has no URLs
 * or the content is encoded.
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
