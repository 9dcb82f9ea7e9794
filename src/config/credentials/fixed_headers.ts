/**
 * `ProviderType: "headers"`: headers as they are, such as the key of an API gateway.
 *
 * @module
 */
import { z } from "zod";
import { isObject } from "../read_context.ts";
import { Secret } from "../secret.ts";
import { type SigningWay, signingWay } from "./signing_way.ts";

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

const value = z.string().regex(
  /^[\x21-\x7e](?:[\x20-\x7e\t]*[\x21-\x7e])?$/,
  "must be a header's value: printable ASCII, not empty, no blanks at its ends",
);

/** Headers as they are. */
export const fixedHeaders: SigningWay = signingWay({
  title: "Fixed headers",
  description: "Headers that are added to each request as they are.",
  chosenBy: { ProviderType: ["headers"] },
  keys: {
    ProviderType: z.literal("headers").describe("Adds headers of your own"),
    Headers: z.record(z.string(), value).describe(
      "The headers by name, as Orthanc's `HttpHeaders`; values better `${NAME}` or `${file:PATH}` " +
        "than the secret itself",
    ),
  },
  check({ Headers: headers }, { path, report }) {
    if (!isObject(headers)) return;
    const names = Object.keys(headers);
    if (names.length === 0) {
      report.add("CFG-001", [...path, "Headers"], "must name at least one header");
    }
    const seen = new Set<string>();
    for (const name of names) {
      const lower = name.toLowerCase();
      const fault = !NAME.test(name)
        ? "is no name of a header"
        : RESERVED.has(lower)
        ? "is set by the gateway; remove it"
        : seen.has(lower)
        ? "stands here twice: the case of letters makes no difference"
        : undefined;
      seen.add(lower);
      if (fault !== undefined) report.add("CFG-002", [...path, "Headers", name], fault);
    }
  },
  build: ({ Headers: headers }) => ({
    kind: "headers",
    headers: Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [name.toLowerCase(), new Secret(value)]),
    ),
  }),
});
