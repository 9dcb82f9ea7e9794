/**
 * `Authentication.ApiKeys`: long random keys that clients send in a header. They need no slow hash:
 * nobody can try 2^256 of them.
 */
import { z } from "zod";
import { keysOf, PLAIN_NAME, recordOf, withRule } from "../values/keys_of.ts";
import { Secret } from "../values/secret.ts";

const KEY_FORM = /^sha256:([0-9a-f]{64})$/i;

/** Headers with another meaning. */
const TAKEN =
  /^(?:authorization|cookie|host|connection|content-.*|transfer-encoding|accept.*|origin|range|x-forwarded-.*|forwarded|x-request-id)$/i;

const keyHash = z.string()
  .regex(KEY_FORM, "must be sha256: and 64 hexadecimal digits, as `make-api-key` prints")
  .transform((hash) => hash.slice("sha256:".length).toLowerCase());

const keyHashes = recordOf(keyHash, {
  names: PLAIN_NAME,
  misnamed:
    "the name of a key must start with a letter or digit, followed by letters, digits, '.', '_' and '-'",
  empty: "must name at least one key",
});

export const apiKeys = keysOf({
  Header: z.string().regex(/^[A-Za-z0-9-]{1,64}$/, "must be the name of a header")
    .refine((name) => !TAKEN.test(name), "must be a dedicated header, such as X-API-Key")
    .default("X-API-Key").describe("Header that carries the key; the gateway does not forward it"),
  Keys: withRule(keyHashes, (hashes, complain) => {
    const seen = new Set<string>();
    for (const [name, hash] of Object.entries(hashes)) {
      if (seen.has(hash)) {
        complain(name, "is the same key as another; generate a key for each client");
      }
      seen.add(hash);
    }
  }).describe(
    "Hashes of keys by the name of the client that has the key; `make-api-key` generates both",
  ),
}).transform((keys) => ({
  /** In lower case. */
  header: keys.Header.toLowerCase(),
  /** SHA-256 of the keys in hexadecimal, by name. Never empty. */
  keys: new Map(Object.entries(keys.Keys).map(([name, hash]) => [name, new Secret(hash)])),
}));
