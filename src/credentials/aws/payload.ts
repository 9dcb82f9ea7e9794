/**
 * What becomes of a request's body when it is signed for AWS: what stands for its hash, the headers that
 * it needs, and what is sent in its place.
 *
 * @module
 */
import { createHash } from "node:crypto";
import type { KeptBody } from "../authorizer.ts";
import type { RequestBody } from "../../network/http_client.ts";
import { SizedBody } from "../../network/sized_body.ts";
import type { AccessKeys } from "./access_keys.ts";
import { chunkedPayload, framedLength, STREAMING_PAYLOAD } from "./chunked_payload.ts";
import type { SignatureScope } from "./request_signature.ts";

/** A body as it is to be signed and sent. */
export interface Payload {
  /** Its hash, or what stands for it. */
  readonly hash: string;
  /** Headers that it needs. */
  readonly headers: Readonly<Record<string, string>>;
  /** What to send instead of the body that came, once the signature of the request is known. */
  readonly body?: (signature: string, keys: AccessKeys, atMs: number) => RequestBody;
  /** What holds it, where something does. */
  readonly kept?: KeptBody;
}

/** No body at all. */
export const NO_PAYLOAD: Payload = { hash: createHash("sha256").digest("hex"), headers: {} };

/** A body that is sent as it comes, and not signed. */
export const UNSIGNED_PAYLOAD: Payload = { hash: "UNSIGNED-PAYLOAD", headers: {} };

/**
 * A body that was read to its end.
 *
 * @returns How it is signed and sent.
 */
export function keptPayload(kept: KeptBody): Payload {
  return {
    hash: kept.sha256,
    headers: { "content-length": String(kept.length) },
    body: () => kept.open(),
    kept,
  };
}

/** What is known of a body that is signed while it is sent. */
export interface StreamedPayloadOptions extends Pick<SignatureScope, "region" | "service"> {
  /** Its length in bytes. */
  readonly length: number;
  /** Its `Content-Encoding`, where it has one. */
  readonly encoding: string | null;
}

/**
 * A body that is signed chunk after chunk while it is sent.
 *
 * @returns How it is signed and sent.
 */
export function streamedPayload(
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
  { length, encoding, region, service }: StreamedPayloadOptions,
): Payload {
  return {
    hash: STREAMING_PAYLOAD,
    headers: {
      "content-encoding": encoding === null ? "aws-chunked" : `aws-chunked,${encoding}`,
      "content-length": String(framedLength(length)),
      "x-amz-decoded-content-length": String(length),
    },
    body: (seed, { secretAccessKey }, atMs) => {
      const framing = chunkedPayload({ seed, secretAccessKey, region, service, atMs });
      return new SizedBody(framedLength(length), () => body.pipeThrough(framing));
    },
  };
}
