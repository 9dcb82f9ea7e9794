/**
 * `ProviderType: "headers"`: headers as they are, such as the key of an API gateway.
 *
 * @module
 */
import { z } from "zod";
import { withRule } from "../../values/keys_of.ts";
import { secret } from "../../values/value_schemas.ts";
import { scheme } from "../scheme.ts";

/** RFC 9110, section 5.6.2. */
const NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

/** What frames a message or belongs to one connection cannot be set from outside. */
const RESERVED: ReadonlySet<string> = new Set([
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
]);

const value = secret(
  z.string().regex(
    /^[\x21-\x7e](?:[\x20-\x7e\t]*[\x21-\x7e])?$/,
    "must be a header's value: printable ASCII, not empty, no blanks at its ends",
  ),
);

const headers = withRule(z.record(z.string(), value), (headers, complain) => {
  const names = Object.keys(headers);
  if (names.length === 0) complain([], "must name at least one header", "CFG-001");
  const seen = new Set<string>();
  for (const name of names) {
    const lower = name.toLowerCase();
    const fault = !NAME.test(name)
      ? "is not a header name"
      : RESERVED.has(lower)
      ? "is set by the gateway; remove it"
      : seen.has(lower)
      ? "is listed twice: header names are case-insensitive"
      : undefined;
    seen.add(lower);
    if (fault !== undefined) complain(name, fault);
  }
});

/** Headers as they are. */
export const fixedHeaders = scheme({
  title: "Fixed headers",
  description: "Headers added to each request unchanged.",
  chosenBy: { ProviderType: ["headers"] },
  keys: {
    ProviderType: z.literal("headers").describe("Adds headers of your own"),
    Headers: headers.describe(
      "The headers by name, like Orthanc's `HttpHeaders`; values better `${NAME}` or `${file:PATH}` " +
        "than the secret itself",
    ),
  },
  credentials: ({ Headers: headers }) => ({
    kind: "headers" as const,
    headers: Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]),
    ),
  }),
});
