/**
 * Identifies clients by API key. Always compares all keys, each in constant time.
 */
import { Buffer } from "node:buffer";
import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import type { Secret } from "../../config/values/secret.ts";

const KEY_BYTES = 32;

export class ApiKeys {
  readonly #digests: readonly (readonly [name: string, digest: Uint8Array])[];
  readonly #equal: (one: Uint8Array, other: Uint8Array) => boolean;

  /** @param keys SHA-256 in hexadecimal by name. */
  constructor(
    keys: ReadonlyMap<string, Secret>,
    equal: (one: Uint8Array, other: Uint8Array) => boolean = timingSafeEqual,
  ) {
    this.#digests = [...keys].map(([name, digest]) => [name, Buffer.from(digest.reveal(), "hex")]);
    this.#equal = equal;
  }

  ownerOf(key: string): string | undefined {
    const digest = createHash("sha256").update(key).digest();
    let owner: string | undefined;
    for (const [name, expected] of this.#digests) if (this.#equal(digest, expected)) owner = name;
    return owner;
  }
}

/** @returns A new key for a client, and its hash for the configuration. */
export function makeApiKey(): { readonly key: string; readonly hash: string } {
  const key = randomBytes(KEY_BYTES).toString("base64url");
  return { key, hash: `sha256:${createHash("sha256").update(key).digest("hex")}` };
}
