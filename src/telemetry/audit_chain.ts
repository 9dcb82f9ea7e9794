/**
 * Chains the records of the audit trail: each contains the previous record's hash and its own, so that
 * a changed, removed or moved record breaks the chain. With a key (HMAC), a valid chain requires it.
 */
import { createHash, createHmac } from "node:crypto";
import type { Secret } from "../config/values/secret.ts";

export interface ChainEnd {
  /** Number of records. */
  readonly sequence: number;
  /** Of the last record, in hexadecimal. */
  readonly hash: string;
}

export const NO_RECORDS: ChainEnd = { sequence: 0, hash: "0".repeat(64) };

/** Sequence and hashes have fixed places, so that they are found without parsing. */
const RECORD =
  /^(\{"sequence":(\d{1,15}),"previous":"([0-9a-f]{64})",.*),"hash":"([0-9a-f]{64})"\}$/s;

export interface SealedRecord extends ChainEnd {
  readonly previous: string;
  /** Whether its hash matches its content. */
  readonly isWhole: boolean;
}

/**
 * Makes records of events.
 *
 * @param events JSON texts, in order.
 * @returns JSON texts without line ends, and the new end of the chain.
 */
export function seal(
  events: readonly string[],
  end: ChainEnd,
  key: Secret | undefined,
): { readonly lines: string[]; readonly end: ChainEnd } {
  const lines: string[] = [];
  for (const event of events) {
    const sequence = end.sequence + 1;
    const text = `{"sequence":${sequence},"previous":"${end.hash}",${event.slice(1, -1)}`;
    end = { sequence, hash: hashOf(text, key) };
    lines.push(`${text},"hash":"${end.hash}"}`);
  }
  return { lines, end };
}

/**
 * Reads a record; undefined if the line is none.
 *
 * @param line Without its line end.
 */
export function readRecord(line: string, key: Secret | undefined): SealedRecord | undefined {
  const [, text = "", sequence, previous = "", hash = ""] = RECORD.exec(line) ?? [];
  if (sequence === undefined) return undefined;
  return { sequence: Number(sequence), previous, hash, isWhole: hashOf(text, key) === hash };
}

function hashOf(text: string, key: Secret | undefined): string {
  const hash = key === undefined ? createHash("sha256") : createHmac("sha256", key.reveal());
  return hash.update(text).digest("hex");
}
