/**
 * The body of a request signed for AWS: its hash or what replaces it, the headers that it needs, and
 * what is sent in its place.
 */
import { createHash } from "node:crypto";
import type { KeptBody } from "../authorizer.ts";
import type { RequestBody } from "../../network/http_client.ts";
import { SizedBody } from "../../network/sized_body.ts";
import type { AccessKeys } from "./access_keys.ts";
import { chunkedPayload, framedLength, STREAMING_PAYLOAD } from "./chunked_payload.ts";
import type { SignatureScope } from "./request_signature.ts";

/** A body to sign and send. */
export interface Payload {
  /** Value of `x-amz-content-sha256`. */
  readonly hash: string;
  /** Headers that it needs. */
  readonly headers: Readonly<Record<string, string>>;
  /** The body to send in place of the original, once the signature of the request is known. */
  readonly body?: (signature: string, keys: AccessKeys, atMs: number) => RequestBody;
  /** The whole body, if it was read before. */
  readonly kept?: KeptBody;
}

/** No body. */
export const NO_PAYLOAD: Payload = { hash: createHash("sha256").digest("hex"), headers: {} };

/** A body that is sent unchanged and not signed. */
export const UNSIGNED_PAYLOAD: Payload = { hash: "UNSIGNED-PAYLOAD", headers: {} };

/** A body that was read to its end before. */
export async function keptPayload(kept: KeptBody): Promise<Payload> {
  return {
    hash: await kept.sha256(),
    headers: { "content-length": String(kept.length) },
    body: () => kept.open(),
    kept,
  };
}

/** A body that is signed while it is sent. */
export interface StreamedPayloadOptions extends Pick<SignatureScope, "region" | "service"> {
  /** In bytes. */
  readonly length: number;
  /** Its `Content-Encoding`. */
  readonly encoding: string | null;
}

/** A body that is signed chunk by chunk while it is sent. */
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
