/**
 * Access keys of AWS, and the token that the token manager keeps them as.
 */
import { fingerprint, type Token, type TokenSource } from "../token.ts";

/** The keys that requests are signed with. */
export interface AccessKeys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** Only of temporary keys. */
  readonly sessionToken?: string | undefined;
}

/** A source of keys, or keys of the configuration, which need none. */
export type KeysSource = TokenSource | AccessKeys;

/** The keys of a source, requested now. */
export async function currentKeys(source: KeysSource, signal: AbortSignal): Promise<AccessKeys> {
  return "acquire" in source ? keysOf(await source.acquire(signal)) : source;
}

/** The fingerprint of a source, or of keys. */
export function keysFingerprint(source: KeysSource): string {
  if ("acquire" in source) return source.fingerprint;
  return fingerprint([source.accessKeyId, source.secretAccessKey, source.sessionToken ?? ""]);
}

/** The type of the tokens that hold access keys. */
export const AWS_TOKEN_TYPE = "AWS";

/**
 * Life of keys without a stated end, and of those that the metadata services still return after their
 * end because they cannot get new ones: AWS may accept them longer than they state.
 */
const LEAST_LIFE_MS = 10 * 60_000;

/** The life of access keys. */
export interface KeysLife {
  /** When they were requested, in milliseconds since the epoch by the gateway's clock. */
  readonly issuedAtMs: number;
  /** The `Date` header of the response: the same moment by AWS's clock. */
  readonly date: string | null;
  /** When they end, by AWS's clock; `undefined`: it does not state it. */
  readonly expiration: string | undefined;
}

/**
 * Makes a token of access keys. Their end is by the gateway's clock, however wrong that is.
 *
 * @example
 * ```ts
 * import { keysToken } from "./access_keys.ts";
 * import assert from "node:assert/strict";
 *
 * const token = keysToken({ accessKeyId: "AKIDEXAMPLE", secretAccessKey: "secret" }, {
 *   issuedAtMs: 0,
 *   date: "Thu, 01 Jan 2026 00:00:00 GMT",
 *   expiration: "2026-01-01T01:00:00Z",
 * });
 * assert.equal(token.expiresAtMs, 3_600_000);
 * ```
 */
export function keysToken(
  { accessKeyId, secretAccessKey, sessionToken }: AccessKeys,
  { issuedAtMs, date, expiration }: KeysLife,
): Token {
  const dateMs = Date.parse(date ?? "");
  const awsNowMs = Number.isNaN(dateMs) ? issuedAtMs : dateMs;
  const lifeMs = Date.parse(expiration ?? "") - awsNowMs;
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

/** The access keys in a response of AWS; `undefined` unless all of them are valid header values. */
export function readKeys(answer: {
  readonly AccessKeyId?: unknown;
  readonly SecretAccessKey?: unknown;
  /** The name in responses of the metadata services … */
  readonly Token?: unknown;
  /** … and in those of the Security Token Service. */
  readonly SessionToken?: unknown;
}): AccessKeys | undefined {
  const { AccessKeyId: accessKeyId, SecretAccessKey: secretAccessKey } = answer;
  const sessionToken = answer.SessionToken ?? answer.Token;
  const usable = (value: unknown): value is string =>
    typeof value === "string" && /^[\x21-\x7e]+$/.test(value);
  if (!usable(accessKeyId) || !usable(secretAccessKey)) return undefined;
  if (sessionToken === undefined || sessionToken === null || sessionToken === "") {
    return { accessKeyId, secretAccessKey };
  }
  return usable(sessionToken) ? { accessKeyId, secretAccessKey, sessionToken } : undefined;
}
