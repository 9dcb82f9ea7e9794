/**
 * `ProviderType: "headers"`: fixed headers, such as the key of an API gateway.
 */
import { z } from "zod";
import { recordOf, withRule } from "../../values/keys_of.ts";
import { secret } from "../../values/value_schemas.ts";
import { scheme } from "../scheme.ts";

/** RFC 9110, section 5.6.2. */
const NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

/** Headers of framing and of the connection, which cannot be configured. */
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

const namedValues = recordOf(value, {
  names: NAME,
  misnamed: "is not a header name",
  empty: "must name at least one header",
});

const headers = withRule(namedValues, (headers, complain) => {
  const seen = new Set<string>();
  for (const name of Object.keys(headers)) {
    const lower = name.toLowerCase();
    const fault = RESERVED.has(lower)
      ? "is set by the gateway; remove it"
      : seen.has(lower)
      ? "is listed twice: header names are case-insensitive"
      : undefined;
    seen.add(lower);
    if (fault !== undefined) complain(name, fault);
  }
});

export const fixedHeaders = scheme({
  title: "Fixed headers",
  description: "Headers added to each request unchanged.",
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
