/**
 * `Authentication.ApiKeys`: long random keys that clients send in a header. Random keys need no slow
 * hash: nobody can try 2^256 of them.
 *
 * @module
 */
import { z } from "zod";
import { type RawKeys, rawKeys, type ReadContext } from "../read_context.ts";
import { Secret } from "../secret.ts";
import type { ApiKeysConfig } from "./authentication_config.ts";

/** What keys and issuers may be called: the names stand in subjects. */
export const SUBJECT_PART = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;

const KEY_FORM = /^sha256:([0-9a-f]{64})$/i;

/** Headers that mean something else to somebody. */
const TAKEN =
  /^(?:authorization|cookie|host|connection|content-.*|transfer-encoding|accept.*|origin|range|x-forwarded-.*|forwarded|x-request-id)$/i;

/** The keys of `Authentication.ApiKeys`. */
export const apiKeysSchema = z.strictObject({
  Header: z.string().regex(/^[A-Za-z0-9-]{1,64}$/, "must be the name of a header")
    .refine((name) => !TAKEN.test(name), "must be a header of its own, such as X-API-Key")
    .default("X-API-Key").describe("Header that the key stands in; it stops at the gateway"),
  Keys: z.record(
    z.string(),
    z.string().regex(
      KEY_FORM,
      "must be sha256: and 64 hexadecimal digits, as `make-api-key` prints",
    ),
  ).describe("Hashes of keys by the name of whoever has the key; `make-api-key` makes both"),
});

/**
 * Checks the names of keys.
 *
 * @param raw The object as written.
 * @param context Where it stands.
 */
export function checkApiKeys(raw: RawKeys, { path, report }: ReadContext): void {
  const entries = Object.entries(rawKeys(raw["Keys"]));
  if (raw["Keys"] !== undefined && entries.length === 0) {
    report.add("CFG-001", [...path, "Keys"], "must name at least one key");
  }
  const seen = new Set<string>();
  for (const [name, hash] of entries) {
    if (!SUBJECT_PART.test(name)) {
      report.add(
        "CFG-002",
        [...path, "Keys", name],
        "the name of a key must begin with a letter or digit and go on with letters, digits, '.', '_' and '-'",
      );
    }
    const digest = String(hash).toLowerCase();
    if (seen.has(digest)) {
      report.add(
        "CFG-002",
        [...path, "Keys", name],
        "is the same key as another; give each its own",
      );
    }
    seen.add(digest);
  }
}

/**
 * Makes the keys.
 *
 * @param keys The keys of the configuration, checked.
 * @returns The header and the hashes.
 */
export function buildApiKeys(keys: z.output<typeof apiKeysSchema>): ApiKeysConfig {
  return {
    header: keys.Header.toLowerCase(),
    keys: new Map(
      Object.entries(keys.Keys).map(([name, hash]) => [
        name,
        new Secret(hash.slice("sha256:".length).toLowerCase()),
      ]),
    ),
  };
}
