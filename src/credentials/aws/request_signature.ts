/**
 * Signature Version 4 of AWS for one request, and the key that signs the chunks after its headers.
 */
import { createHmac } from "node:crypto";
import { AwsV4Signer } from "aws4fetch";
import type { AccessKeys } from "./access_keys.ts";

/** What signatures are valid for. */
export interface SignatureScope {
  readonly region: string;
  readonly service: string;
  /** The time of the request, in milliseconds since the epoch. */
  readonly atMs: number;
}

/** A request to sign. */
export interface SignableRequest {
  readonly method: string;
  /** The URL as it is sent. */
  readonly url: string;
  /** All headers that are signed, besides `Host` and those that signing adds. */
  readonly headers: Readonly<Record<string, string>>;
  /** Not needed with `x-amz-content-sha256`. */
  readonly body?: string;
}

/**
 * Signs a request.
 *
 * @param derived Caches the keys that are derived from these, by day.
 * @returns All signed headers but `host`, and those that signing added.
 */
export async function signRequest(
  request: SignableRequest,
  keys: AccessKeys,
  scope: SignatureScope,
  derived: Map<string, ArrayBuffer> = new Map(),
): Promise<Record<string, string>> {
  const { sessionToken, ...pair } = keys;
  const signer = new AwsV4Signer({
    ...request,
    ...pair,
    ...(sessionToken !== undefined && { sessionToken }),
    region: scope.region,
    service: scope.service,
    datetime: amzDate(scope.atMs),
    allHeaders: true,
    cache: derived,
  });
  return Object.fromEntries((await signer.sign()).headers);
}

/**
 * A time, given in milliseconds since the epoch, in the basic form of ISO 8601, to the second.
 *
 * @example
 * ```ts
 * import { amzDate } from "./request_signature.ts";
 * import assert from "node:assert/strict";
 *
 * assert.equal(amzDate(Date.UTC(2015, 7, 30, 12, 36)), "20150830T123600Z");
 * ```
 */
export function amzDate(atMs: number): string {
  return new Date(atMs).toISOString().replace(/[:-]|\.\d{3}/g, "");
}

/** The scope in a signature: a day, a region, a service. */
export function credentialScope({ atMs, region, service }: SignatureScope): string {
  return [amzDate(atMs).slice(0, 8), region, service, "aws4_request"].join("/");
}

/** Derives the key that signs within a scope. */
export function signingKey(secretAccessKey: string, scope: SignatureScope): Uint8Array {
  let key: string | Uint8Array = `AWS4${secretAccessKey}`;
  for (const part of credentialScope(scope).split("/")) {
    key = createHmac("sha256", key).update(part).digest();
  }
  return key as Uint8Array;
}
