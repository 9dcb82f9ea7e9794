/**
 * Chains the records of the audit trail: each holds the hash of the one before it and is hashed itself,
 * so that a record that was changed, removed or moved breaks the chain there. With a key (HMAC) nobody
 * without it can make a chain that holds.
 *
 * @module
 */
import { createHash, createHmac } from "node:crypto";
import type { Secret } from "../config/values/secret.ts";

/** The end of a chain, at which it goes on. */
export interface ChainEnd {
  /** How many records there were. */
  readonly sequence: number;
  /** Hash of the last one, in hexadecimal. */
  readonly hash: string;
}

/** The end of a chain that has no records yet. */
export const NO_RECORDS: ChainEnd = { sequence: 0, hash: "0".repeat(64) };

/** One line of the trail: sequence, previous hash and hash stand where a search finds them unparsed. */
const RECORD =
  /^(\{"sequence":(\d{1,15}),"previous":"([0-9a-f]{64})",.*),"hash":"([0-9a-f]{64})"\}$/s;

/** A record as it stands in the trail. */
export interface SealedRecord extends ChainEnd {
  readonly previous: string;
  /** Whether its hash is that of what it says. */
  readonly isWhole: boolean;
}

/**
 * Makes records of events.
 *
 * @param events The events as JSON texts, in their order.
 * @returns A JSON text for each, without line ends, and the new end of the chain.
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
 * Reads a record.
 *
 * @param line One line of the trail, without its end.
 * @param key What the chain is sealed with.
 * @returns What the chain needs of it; nothing where it is no record.
 *
 * @example
 * ```ts
 * import { NO_RECORDS, readRecord, seal } from "./audit_chain.ts";
 * import assert from "node:assert/strict";
 *
 * const event = { time: "2026-01-01T00:00:00.000Z", event: "gateway", outcome: "started" } as const;
 * const { lines: [line = ""] } = seal([JSON.stringify(event)], NO_RECORDS, undefined);
 * assert.equal(readRecord(line, undefined)?.isWhole, true);
 * assert.equal(readRecord(line.replace("started", "stopped"), undefined)?.isWhole, false);
 * ```
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
