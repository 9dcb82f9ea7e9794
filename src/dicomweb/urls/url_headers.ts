/**
 * Translates URLs in the headers of requests and answers, in each header the first 256.
 *
 * @module
 */
import type { UrlMap } from "./url_map.ts";
import type { UrlTranslation } from "./url_translation.ts";
import { withoutTrailing } from "../without_trailing.ts";

/** Translates what one header says. */
type HeaderRule = (value: string, translate: (url: string) => string) => string;

/** More than any header has: the time of 128 KB of short URLs would be that of a thousand requests. */
const MAX_URLS = 256;

const wholeValue: HeaderRule = (value, translate) => translate(value);

/**
 * `<url>; rel=next, <url>` (RFC 8288, section 3); quoted strings stay as they are. What has no end takes
 * the rest of the header and stays: to look for an end from every beginning would take quadratic time.
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

const ANSWER_RULES: ReadonlyMap<string, HeaderRule> = new Map([
  ["location", wholeValue],
  ["content-location", wholeValue],
  ["link", linkTargets],
  ["warning", urlsInText],
]);

const REQUEST_RULES: ReadonlyMap<string, HeaderRule> = new Map([
  ["content-location", wholeValue],
  ["link", linkTargets],
]);

/**
 * Translates the store's URLs in the headers of its answer: `Location`, `Content-Location`,
 * `Link`, and the base URL in `Warning`.
 *
 * @param map The store's URLs.
 * @param resource Path below the base URL, and query, that was asked for.
 */
export function rewriteResponseHeaders(map: UrlMap, headers: Headers, resource?: string): void {
  rewriteHeaders(headers, ANSWER_RULES, map.toGateway, resource);
}

/**
 * Translates the gateway's URLs in the headers of a request: `Content-Location` and `Link`.
 *
 * @param map The store's URLs.
 * @param resource Path below the base URL, and query, that is asked for.
 */
export function rewriteRequestHeaders(map: UrlMap, headers: Headers, resource?: string): void {
  rewriteHeaders(headers, REQUEST_RULES, map.toStore, resource);
}

function rewriteHeaders(
  headers: Headers,
  rules: ReadonlyMap<string, HeaderRule>,
  translation: UrlTranslation,
  resource: string | undefined,
): void {
  for (const [name, rule] of rules) {
    const value = headers.get(name);
    if (value === null) continue;
    let urls = 0;
    const translated = rule(
      value,
      (url) => ++urls > MAX_URLS ? url : translation.translate(url, resource),
    );
    if (translated !== value) headers.set(name, translated);
  }
}
