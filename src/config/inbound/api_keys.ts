/**
 * `Authentication.ApiKeys`: long random keys that clients send in a header. Random keys need no slow
 * hash: nobody can try 2^256 of them.
 *
 * @module
 */
import { z } from "zod";
import { keysOf, withRule } from "../values/keys_of.ts";
import { Secret } from "../values/secret.ts";

/** What keys and issuers may be called: the names stand in subjects. */
export const SUBJECT_PART = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;

const KEY_FORM = /^sha256:([0-9a-f]{64})$/i;

/** Headers that mean something else to somebody. */
const TAKEN =
  /^(?:authorization|cookie|host|connection|content-.*|transfer-encoding|accept.*|origin|range|x-forwarded-.*|forwarded|x-request-id)$/i;

/** The keys of `Authentication.ApiKeys`. */
export const apiKeys = keysOf({
  Header: z.string().regex(/^[A-Za-z0-9-]{1,64}$/, "must be the name of a header")
    .refine((name) => !TAKEN.test(name), "must be a dedicated header, such as X-API-Key")
    .default("X-API-Key").describe("Header that carries the key; the gateway does not forward it"),
  Keys: withRule(
    z.record(
      z.string(),
      z.string().regex(
        KEY_FORM,
        "must be sha256: and 64 hexadecimal digits, as `make-api-key` prints",
      ),
    ),
    (keys, complain) => {
      const names = Object.keys(keys);
      if (names.length === 0) complain([], "must name at least one key", "CFG-001");
      for (const name of names) {
        if (!SUBJECT_PART.test(name)) {
          complain(
            name,
            "the name of a key must start with a letter or digit, followed by letters, digits, '.', '_' and '-'",
          );
        }
      }
    },
  ).superRefine((keys, context) => {
    const seen = new Set<string>();
    for (const [name, hash] of Object.entries(keys)) {
      const digest = hash.toLowerCase();
      if (seen.has(digest)) {
        const message = "is the same key as another; generate a key for each client";
        context.addIssue({ code: "custom", path: [name], message });
      }
      seen.add(digest);
    }
  }).describe(
    "Hashes of keys by the name of the client that has the key; `make-api-key` generates both",
  ),
}).transform((keys) => ({
  /** In lower case. */
  header: keys.Header.toLowerCase(),
  /** SHA-256 of the keys in hexadecimal, by name. Never empty. */
  keys: new Map(
    Object.entries(keys.Keys).map(([name, hash]) => [
      name,
      new Secret(hash.slice("sha256:".length).toLowerCase()),
    ]),
  ),
}));
