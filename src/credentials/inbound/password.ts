/**
 * Hashes passwords with scrypt (RFC 7914), on a thread of the runtime's pool.
 */
import { Buffer } from "node:buffer";
import { randomBytes, scrypt, timingSafeEqual } from "node:crypto";
import { type PasswordHash, writePasswordHash } from "../../config/inbound/password_hash.ts";
import { withoutTrailing } from "../../dicomweb/without_trailing.ts";

export type DeriveKey = (password: string, hash: PasswordHash) => Promise<Uint8Array>;

/** OWASP Password Storage Cheat Sheet: equivalent to its first choice, with a quarter of the memory. */
const COST = { logCost: 15, blockSize: 8, parallelism: 3 } as const;

const SALT_BYTES = 16;
const HASH_BYTES = 32;

/** @returns The PHC string for the configuration. */
export async function hashPassword(password: string): Promise<string> {
  const salt = unpadded(randomBytes(SALT_BYTES));
  const hash = { ...COST, salt, hash: "A".repeat(Math.ceil(HASH_BYTES * 8 / 6)) };
  return writePasswordHash({ ...hash, hash: unpadded(await deriveKey(password, hash)) });
}

/** @param hash Parameters, salt and length of the key. */
export function deriveKey(password: string, hash: PasswordHash): Promise<Uint8Array> {
  const { logCost, blockSize, parallelism } = hash;
  const cost = 2 ** logCost;
  const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>();
  scrypt(
    password,
    Buffer.from(hash.salt, "base64"),
    Buffer.from(hash.hash, "base64").length,
    { N: cost, r: blockSize, p: parallelism, maxmem: 256 * cost * blockSize + 2 ** 20 },
    (error, key) => error ? reject(error) : resolve(key),
  );
  return promise;
}

/** Compares in constant time. */
export async function isPassword(
  password: string,
  hash: PasswordHash,
  derive: DeriveKey = deriveKey,
): Promise<boolean> {
  const expected = Buffer.from(hash.hash, "base64");
  const key = await derive(password, hash);
  return key.length === expected.length && timingSafeEqual(key, expected);
}

function unpadded(bytes: Uint8Array): string {
  return withoutTrailing(Buffer.from(bytes).toString("base64"), "=");
}
