/**
 * Header fields in the configuration: names with values, which are secrets.
 */
import { z } from "zod";
import { recordOf, withRule } from "./keys_of.ts";
import type { Secret } from "./secret.ts";
import { secret } from "./value_schemas.ts";

/** RFC 9110, section 5.6.2. */
const NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

/** Headers of framing and of the connection, which cannot be configured. */
const RESERVED: readonly string[] = [
  "accept-encoding",
  "connection",
  "content-encoding",
  "content-length",
  "content-type",
  "expect",
  "host",
  "keep-alive",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
];

/**
 * Headers with a meaning in one request (RFC 9110, sections 13 and 14; RFC 6455): for all requests, they
 * would make stores answer 206, 304, 412 or 426. `sec-` stands for all that browsers and WebSocket set.
 */
const OF_ONE_REQUEST = /^(?:range|if-.+|content-.+|max-forwards|http2-settings|sec-.+)$/;

const value = secret(
  z.string().regex(
    /^[\x21-\x7e](?:[\x20-\x7e\t]*[\x21-\x7e])?$/,
    "must be a header's value: printable ASCII, not empty, no blanks at its ends",
  ),
);

const namedValues = recordOf(value, {
  names: NAME,
  misnamed: "is not a header name",
  empty: "must name at least one header",
});

/**
 * Header fields by name.
 *
 * @param more Names in lower case that the gateway sets here besides those of every request.
 */
export function headerValues(more: readonly string[] = []): z.ZodType<Record<string, Secret>> {
  const reserved = new Set([...RESERVED, ...more]);
  return withRule(namedValues, (headers, complain) => {
    const seen = new Set<string>();
    for (const name of Object.keys(headers)) {
      const lower = name.toLowerCase();
      const fault = reserved.has(lower)
        ? "is set by the gateway; remove it"
        : seen.has(lower)
        ? "is listed twice: header names are case-insensitive"
        : OF_ONE_REQUEST.test(lower)
        ? "changes the meaning of the request it is sent with; it cannot be set for all requests"
        : undefined;
      seen.add(lower);
      if (fault !== undefined) complain(name, fault);
    }
  });
}

/** The same with names in lower case. */
export function lowerCaseNames(
  headers: Readonly<Record<string, Secret>> = {},
): Readonly<Record<string, Secret>> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]),
  );
}

/** The values of header fields. */
export function revealHeaders(
  headers: Readonly<Record<string, Secret>>,
): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, value.reveal()]),
  );
}
