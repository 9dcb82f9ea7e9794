/**
 * Encrypts tokens kept outside this worker: AES-256-GCM with a random 96-bit nonce for each entry
 * (NIST SP 800-38D), bound to the entry's key, so that entries cannot be exchanged. An entry that
 * cannot be decrypted is a miss, never an error.
 *
 * @module
 */
import { decodeBase64, encodeBase64 } from "@oslojs/encoding";
import type { Secret } from "../../config/values/secret.ts";
import { GatewayError } from "../../errors/gateway_error.ts";
import type { Logger } from "../../telemetry/logger.ts";
import type { Metrics } from "../../telemetry/metrics.ts";
import type { Clock } from "../../network/clock.ts";
import type { StringStore, Token, TokenStore } from "../token.ts";

const KEY_BYTES = 32;
const NONCE_BYTES = 12;

/** Version of the format. */
const PREFIX = "1:";

export interface EncryptedTokenStoreOptions {
  /** Each 32 bytes in base64: the first encrypts, all decrypt. */
  readonly keys: readonly Secret[];
  readonly metrics: Pick<Metrics, "cacheErrors">;
  readonly logger: Logger;
  readonly clock: Pick<Clock, "now">;
}

export class EncryptedTokenStore implements TokenStore {
  readonly isShared = true;
  readonly #raw: StringStore;
  readonly #options: EncryptedTokenStoreOptions;
  readonly #keys: Promise<CryptoKey[]>;

  /** @throws {GatewayError} CFG-002 without a key, or if one is not 32 bytes in base64. */
  constructor(raw: StringStore, options: EncryptedTokenStoreOptions) {
    this.#raw = raw;
    this.#options = options;
    const keys = options.keys.map(keyBytes);
    if (keys.length === 0) {
      throw new GatewayError("CFG-002", "Cannot keep tokens outside memory: no EncryptionKey");
    }
    this.#keys = Promise.all(keys.map(importKey));
  }

  open(): Promise<void> {
    return this.#raw.open();
  }

  async get(key: string): Promise<Token | undefined> {
    const value = await this.#raw.get(key);
    if (value === undefined) return undefined;
    const token = parseToken(await this.#decrypt(key, value));
    if (token === undefined) {
      this.#options.metrics.cacheErrors.inc({ operation: "decrypt" });
      this.#options.logger.debug(
        "Cannot decrypt a token cache entry: it is damaged or was encrypted with another key",
      );
      return undefined;
    }
    return this.#options.clock.now() < token.expiresAtMs ? token : undefined;
  }

  async set(key: string, token: Token): Promise<void> {
    const ttlMs = token.expiresAtMs - this.#options.clock.now();
    if (ttlMs <= 0) return;
    await this.#raw.set(key, await this.#encrypt(key, JSON.stringify(token)), ttlMs);
  }

  delete(key: string): Promise<void> {
    return this.#raw.delete(key);
  }

  acquireLease(key: string, holder: string, ttlMs: number): Promise<boolean> {
    return this.#raw.acquireLease(key, holder, ttlMs);
  }

  releaseLease(key: string, holder: string): Promise<void> {
    return this.#raw.releaseLease(key, holder);
  }

  /** Not encrypted: a generation is no secret. */
  generation(key: string): Promise<string | undefined> {
    return this.#raw.generation(key);
  }

  setGeneration(key: string, generation: string, ttlMs: number): Promise<void> {
    return this.#raw.setGeneration(key, generation, ttlMs);
  }

  ping(): Promise<void> {
    return this.#raw.ping();
  }

  close(): Promise<void> {
    return this.#raw.close();
  }

  async #encrypt(key: string, text: string): Promise<string> {
    const [first] = await this.#keys;
    const nonce = crypto.getRandomValues(new Uint8Array(NONCE_BYTES));
    const sealed = await crypto.subtle.encrypt(
      { name: "AES-GCM", iv: nonce, additionalData: new TextEncoder().encode(key) },
      first!,
      new TextEncoder().encode(text),
    );
    return PREFIX + encodeBase64(new Uint8Array([...nonce, ...new Uint8Array(sealed)]));
  }

  async #decrypt(key: string, value: string): Promise<string | undefined> {
    const bytes = value.startsWith(PREFIX) ? bytesOf(value.slice(PREFIX.length)) : undefined;
    if (bytes === undefined) return undefined;
    const iv = bytes.subarray(0, NONCE_BYTES);
    const additionalData = new TextEncoder().encode(key);
    for (const candidate of await this.#keys) {
      try {
        const text = await crypto.subtle.decrypt(
          { name: "AES-GCM", iv, additionalData },
          candidate,
          bytes.subarray(NONCE_BYTES),
        );
        return new TextDecoder().decode(text);
      } catch {
        // Another key, or a damaged entry: WebCrypto does not distinguish them.
      }
    }
    return undefined;
  }
}

function keyBytes(key: Secret): Uint8Array<ArrayBuffer> {
  const bytes = bytesOf(key.reveal());
  if (bytes?.length === KEY_BYTES) return bytes;
  throw new GatewayError("CFG-002", "Cannot use EncryptionKey: it must be 32 bytes in base64");
}

function importKey(bytes: Uint8Array<ArrayBuffer>): Promise<CryptoKey> {
  return crypto.subtle.importKey("raw", bytes, "AES-GCM", false, ["encrypt", "decrypt"]);
}

function bytesOf(base64: string): Uint8Array<ArrayBuffer> | undefined {
  try {
    return new Uint8Array(decodeBase64(base64));
  } catch {
    return undefined;
  }
}

function parseToken(text: string | undefined): Token | undefined {
  if (text === undefined) return undefined;
  try {
    const { value, type, issuedAtMs, expiresAtMs } = JSON.parse(text);
    return typeof value === "string" && typeof type === "string" &&
        typeof issuedAtMs === "number" && typeof expiresAtMs === "number"
      ? { value, type, issuedAtMs, expiresAtMs }
      : undefined;
  } catch {
    return undefined;
  }
}
