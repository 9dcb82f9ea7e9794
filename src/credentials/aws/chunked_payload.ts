/**
 * Bodies signed chunk by chunk while they are sent (`STREAMING-AWS4-HMAC-SHA256-PAYLOAD`, Amazon S3
 * API Reference, "Signature calculations: transferring payload in multiple chunks"). Each signature
 * covers the one before it, the first that of the request.
 */
import { createHash, createHmac } from "node:crypto";
import { amzDate, credentialScope, type SignatureScope, signingKey } from "./request_signature.ts";

/** Replaces the hash of the body in the request's own signature. */
export const STREAMING_PAYLOAD = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD";

/** S3 accepts only a last chunk below 8 KiB. */
const CHUNK_BYTES = 64 * 1024;

/** Bytes before a chunk besides its length, and after it. */
const FRAME_BYTES = ";chunk-signature=".length + 64 + "\r\n".length + "\r\n".length;

const HASH_OF_NOTHING = createHash("sha256").digest("hex");

/**
 * The length of a body with its frames.
 *
 * @param length Bytes of the body itself.
 *
 * @example
 * ```ts
 * import { framedLength } from "./chunked_payload.ts";
 * import assert from "node:assert/strict";
 *
 * assert.equal(framedLength(0), 86);
 * // The example of S3's documentation, in chunks of 64 KiB.
 * assert.equal(framedLength(66_560), 66_824);
 * ```
 */
export function framedLength(length: number): number {
  const whole = Math.floor(length / CHUNK_BYTES);
  const rest = length % CHUNK_BYTES;
  return whole * framed(CHUNK_BYTES) + (rest > 0 ? framed(rest) : 0) + framed(0);
}

function framed(chunkBytes: number): number {
  return chunkBytes.toString(16).length + FRAME_BYTES + chunkBytes;
}

/** The key and scope of the signatures. */
export interface ChunkSigning extends SignatureScope {
  readonly secretAccessKey: string;
  /** The signature of the request. */
  readonly seed: string;
}

/** Transforms a body to signed chunks. */
export function chunkedPayload(
  signing: ChunkSigning,
): TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>> {
  const frame = frames(signing);
  let chunk = new Uint8Array(CHUNK_BYTES);
  let filled = 0;
  return new TransformStream({
    transform(bytes, controller) {
      for (let offset = 0; offset < bytes.length;) {
        const part = bytes.subarray(offset, offset + CHUNK_BYTES - filled);
        chunk.set(part, filled);
        filled += part.length;
        offset += part.length;
        if (filled < CHUNK_BYTES) return;
        controller.enqueue(frame(chunk));
        chunk = new Uint8Array(CHUNK_BYTES);
        filled = 0;
      }
    },
    flush(controller) {
      if (filled > 0) controller.enqueue(frame(chunk.subarray(0, filled)));
      controller.enqueue(frame(new Uint8Array(0)));
    },
  });
}

/** Signs chunks in their order. */
function frames(
  { secretAccessKey, seed, ...scope }: ChunkSigning,
): (chunk: Uint8Array) => Uint8Array<ArrayBuffer> {
  const key = signingKey(secretAccessKey, scope);
  const encoder = new TextEncoder();
  let previous = seed;
  return (chunk) => {
    const hash = createHash("sha256").update(chunk).digest("hex");
    const signed = [
      "AWS4-HMAC-SHA256-PAYLOAD",
      amzDate(scope.atMs),
      credentialScope(scope),
      previous,
      HASH_OF_NOTHING,
      hash,
    ];
    previous = createHmac("sha256", key).update(signed.join("\n")).digest("hex");
    const head = encoder.encode(
      `${chunk.length.toString(16)};chunk-signature=${previous}\r\n`,
    );
    const frame = new Uint8Array(head.length + chunk.length + 2);
    frame.set(head);
    frame.set(chunk, head.length);
    frame.set([0x0d, 0x0a], head.length + chunk.length);
    return frame;
  };
}
