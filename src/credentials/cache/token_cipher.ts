/**
 * Encrypts tokens kept outside this worker: AES-256-GCM with a random 96-bit nonce for each entry
 * (NIST SP 800-38D), bound to the entry's key, so that entries cannot be exchanged.
 */
import { decodeBase64, encodeBase64 } from "@oslojs/encoding";
import type { Secret } from "../../config/values/secret.ts";
import { GatewayError } from "../../errors/gateway_error.ts";
import type { Token } from "../token.ts";

const KEY_BYTES = 32;
const NONCE_BYTES = 12;

/** Version of the format. */
const PREFIX = "1:";

export class TokenCipher {
  readonly #keys: Promise<CryptoKey[]>;

  /**
   * @param keys Each 32 bytes in base64: the first encrypts, all decrypt.
   * @throws {GatewayError} CFG-002 without a key, or if one is not 32 bytes in base64.
   */
  constructor(keys: readonly Secret[]) {
    if (keys.length === 0) {
      throw new GatewayError("CFG-002", "Cannot keep tokens outside memory: no EncryptionKey");
    }
    this.#keys = Promise.all(keys.map(keyBytes).map(importKey));
  }

  async encrypt(key: string, token: Token): Promise<string> {
    const [first] = await this.#keys;
    const nonce = crypto.getRandomValues(new Uint8Array(NONCE_BYTES));
    const sealed = await crypto.subtle.encrypt(
      { name: "AES-GCM", iv: nonce, additionalData: new TextEncoder().encode(key) },
      first!,
      new TextEncoder().encode(JSON.stringify(token)),
    );
    return PREFIX + encodeBase64(new Uint8Array([...nonce, ...new Uint8Array(sealed)]));
  }

  /** @returns Undefined for a damaged entry, or one of another cache key or encryption key. */
  async decrypt(key: string, value: string): Promise<Token | undefined> {
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
        return JSON.parse(new TextDecoder().decode(text));
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
