/**
 * Signature Version 4 of AWS for one request, and the key that signs what belongs to the request but
 * comes after its headers.
 *
 * @module
 */
import { createHmac } from "node:crypto";
import { AwsV4Signer } from "aws4fetch";
import type { AccessKeys } from "./access_keys.ts";

/** What signatures are made for. */
export interface SignatureScope {
  readonly region: string;
  readonly service: string;
  /** The time of the request, in milliseconds since the epoch. */
  readonly atMs: number;
}

/** A request that is signed. */
export interface SignableRequest {
  readonly method: string;
  /** The URL as it is sent. */
  readonly url: string;
  /** All headers that are signed, besides `Host` and those that signing adds. */
  readonly headers: Readonly<Record<string, string>>;
  /** The body; not needed where `x-amz-content-sha256` tells its hash. */
  readonly body?: string;
}

/**
 * Signs a request.
 *
 * @param scope What the signature is made for.
 * @param derived Keeps the keys that are derived from these, a day's at a time.
 * @returns All headers that were signed but `host`, with those that signing added.
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
 * The time of a request as signatures write it.
 *
 * @param atMs Milliseconds since the epoch.
 * @returns ISO 8601 in its basic form, to the second.
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

/**
 * What a signature is valid for: a day, a region, a service.
 *
 * @param scope What the signature is made for.
 */
export function credentialScope({ atMs, region, service }: SignatureScope): string {
  return [amzDate(atMs).slice(0, 8), region, service, "aws4_request"].join("/");
}

/**
 * Derives the key that signs within a scope.
 *
 * @param scope What the signatures are made for.
 */
export function signingKey(secretAccessKey: string, scope: SignatureScope): Uint8Array {
  let key: string | Uint8Array = `AWS4${secretAccessKey}`;
  for (const part of credentialScope(scope).split("/")) {
    key = createHmac("sha256", key).update(part).digest();
  }
  return key as Uint8Array;
}
