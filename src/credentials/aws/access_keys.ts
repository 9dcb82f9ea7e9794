/**
 * Access keys of AWS, and the token that the token manager keeps them as.
 *
 * @module
 */
import type { Token } from "../token.ts";

/** What requests are signed with. */
export interface AccessKeys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** Goes with temporary keys. */
  readonly sessionToken?: string | undefined;
}

/** The type of the tokens that hold access keys. */
export const AWS_TOKEN_TYPE = "AWS";

/**
 * Life of keys for which no end is told, and of those that the metadata services still give out after
 * their end because they cannot get new ones: AWS may take them longer than they say.
 */
const LEAST_LIFE_MS = 10 * 60_000;

/** What cannot stand in a header or is no key at all. */
const VISIBLE = /^[\x21-\x7e]+$/;

/** The life of access keys. */
export interface KeysLife {
  /** When they were asked for, in milliseconds since the epoch by the gateway's clock. */
  readonly issuedAtMs: number;
  /** The same moment by AWS's clock. */
  readonly awsNowMs: number;
  /** When they end, by AWS's clock; `undefined`: it did not say. */
  readonly expiration: string | undefined;
}

/**
 * Makes a token of access keys. Their end is by the gateway's clock, however wrong that is.
 *
 * @param life When they were got, and when they end.
 *
 * @example
 * ```ts
 * import { keysToken } from "./access_keys.ts";
 * import assert from "node:assert/strict";
 *
 * const token = keysToken({ accessKeyId: "AKIDEXAMPLE", secretAccessKey: "secret" }, {
 *   issuedAtMs: 0,
 *   awsNowMs: Date.UTC(2026, 0, 1),
 *   expiration: "2026-01-01T01:00:00Z",
 * });
 * assert.equal(token.expiresAtMs, 3_600_000);
 * ```
 */
export function keysToken(
  { accessKeyId, secretAccessKey, sessionToken }: AccessKeys,
  { issuedAtMs, awsNowMs, expiration }: KeysLife,
): Token {
  const lifeMs = expiration === undefined ? NaN : Date.parse(expiration) - awsNowMs;
  return {
    value: JSON.stringify({ accessKeyId, secretAccessKey, sessionToken }),
    type: AWS_TOKEN_TYPE,
    issuedAtMs,
    expiresAtMs: issuedAtMs + (lifeMs > 0 ? lifeMs : LEAST_LIFE_MS),
  };
}

/** The access keys in a token. */
export function keysOf(token: Token): AccessKeys {
  return JSON.parse(token.value);
}

/**
 * Takes access keys from an answer of AWS.
 *
 * @param answer What may hold them.
 * @returns The keys, where they are there and can be used.
 */
export function readKeys(answer: {
  readonly AccessKeyId?: unknown;
  readonly SecretAccessKey?: unknown;
  /** Called so by the metadata services … */
  readonly Token?: unknown;
  /** … and so by the Security Token Service. */
  readonly SessionToken?: unknown;
}): AccessKeys | undefined {
  const { AccessKeyId: accessKeyId, SecretAccessKey: secretAccessKey } = answer;
  const sessionToken = answer.SessionToken ?? answer.Token;
  const usable = (value: unknown): value is string =>
    typeof value === "string" && VISIBLE.test(value);
  if (!usable(accessKeyId) || !usable(secretAccessKey)) return undefined;
  if (sessionToken === undefined || sessionToken === null || sessionToken === "") {
    return { accessKeyId, secretAccessKey };
  }
  return usable(sessionToken) ? { accessKeyId, secretAccessKey, sessionToken } : undefined;
}
