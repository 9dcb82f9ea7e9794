/**
 * Translates URLs in the headers of requests and responses, at most 256 per header.
 */
import type { UrlMap } from "./url_map.ts";
import { withoutTrailing } from "../without_trailing.ts";

type HeaderRule = (value: string, translate: (url: string) => string) => string;

/** More than any header has: 128 KB of short URLs would cost the time of a thousand requests. */
const MAX_URLS = 256;

const wholeValue: HeaderRule = (value, translate) => translate(value);

/**
 * `<url>; rel=next, <url>` (RFC 8288, section 3); quoted strings are unchanged. A `<` or quote
 * without end takes the rest of the header: searching an end from each would take quadratic time.
 */
const linkTargets: HeaderRule = (value, translate) =>
  value.replace(/"(?:[^"\\]|\\.?)*"?|<([^>]*)(>?)/g, (match, url?: string, end?: string) => {
    return url === undefined || !end ? match : `<${translate(url)}>`;
  });

/** `299 {service}: text`, where PS3.18 puts the base URL (section 11.6.3.2 and others). */
const urlsInText: HeaderRule = (value, translate) =>
  value.replace(/https?:\/\/[^\s"<>]+/gi, (text) => {
    const url = withoutTrailing(text, ":,.;)]");
    return translate(url) + text.slice(url.length);
  });

const RULES: Readonly<Record<keyof UrlMap, ReadonlyMap<string, HeaderRule>>> = {
  toGateway: new Map([
    ["location", wholeValue],
    ["content-location", wholeValue],
    ["link", linkTargets],
    ["warning", urlsInText],
  ]),
  toStore: new Map([["content-location", wholeValue], ["link", linkTargets]]),
};

/**
 * Translates URLs in the headers of a response (`toGateway`) or request (`toStore`).
 *
 * @param resource Path below the base URL, and query, of the request.
 */
export function rewriteHeaders(
  map: UrlMap,
  direction: keyof UrlMap,
  headers: Headers,
  resource?: string,
): void {
  for (const [name, rule] of RULES[direction]) {
    const value = headers.get(name);
    if (value === null) continue;
    let urls = 0;
    const translated = rule(
      value,
      (url) => ++urls > MAX_URLS ? url : map[direction].translate(url, resource),
    );
    if (translated !== value) headers.set(name, translated);
  }
}
