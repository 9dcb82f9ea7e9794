/**
 * Verifies an audit trail: each record must be unmodified and follow the previous one, over all files.
 */
import { Buffer } from "node:buffer";
import type { Secret } from "../../config/values/secret.ts";
import { type ChainEnd, NO_RECORDS, readRecord } from "../../telemetry/audit_chain.ts";

export interface TrailReport {
  readonly records: number;
  /** Number of the first record; more than 1 if older files were removed. */
  readonly first: number;
  readonly end: ChainEnd;
  readonly faults: readonly {
    readonly file: string;
    /** From 1. */
    readonly line: number;
    /** A sentence about the line, without its subject. */
    readonly fault: string;
  }[];
}

/** A record noted earlier, which must be in the trail. */
export type Anchor = ChainEnd;

const MAX_FAULTS = 100;
/** More than the longest record. */
const MAX_LINE_BYTES = 1_000_000;
const LF = 10;
const CUT_OFF = "is cut off: the gateway is writing it, or stopped while writing it";

/**
 * @param files Oldest first; missing ones are ignored.
 * @param options The key of the chain, and a record that must be in it.
 */
export async function verifyTrail(
  files: readonly string[],
  { key, anchor }: { readonly key: Secret | undefined; readonly anchor?: Anchor | undefined },
): Promise<TrailReport> {
  const faults: TrailReport["faults"][number][] = [];
  let end: ChainEnd | undefined;
  let [records, first] = [0, 0];
  let isAnchored = anchor === undefined;
  let [lastFile, lastLine] = [files.at(-1) ?? "", 0];
  for (const file of files) {
    let line = 0;
    for await (const { text, isEnded } of linesOf(file)) {
      [lastFile, lastLine] = [file, ++line];
      const report = (fault: string) => {
        if (faults.length < MAX_FAULTS) faults.push({ file, line, fault });
      };
      const record = readRecord(text, key);
      if (record === undefined) {
        report(isEnded ? "is not a record" : CUT_OFF);
        continue;
      }
      records++;
      if (!record.isWhole) report("was modified, or is sealed with another key");
      const expected = end ?? (record.sequence === 1 ? NO_RECORDS : undefined);
      if (expected !== undefined) {
        const misplaced = placeFault(record.sequence, expected.sequence + 1);
        if (misplaced !== undefined) report(misplaced);
        else if (record.previous !== expected.hash) report("does not follow the record before it");
      } else first = record.sequence;
      if (first === 0) first = record.sequence;
      if (record.sequence === anchor?.sequence) {
        isAnchored = true;
        if (record.hash !== anchor.hash) report("is not the anchored record");
      }
      end = { sequence: record.sequence, hash: record.hash };
    }
  }
  if (!isAnchored) {
    const fault = `is the last; the anchored record ${anchor?.sequence} is missing`;
    faults.push({ file: lastFile, line: lastLine, fault });
  }
  return { records, first, end: end ?? NO_RECORDS, faults };
}

function placeFault(found: number, expected: number): string | undefined {
  if (found === expected) return undefined;
  if (found < expected) return `is record ${found}, which is out of order or duplicated`;
  const missing = found - 1 === expected
    ? `record ${expected} is missing`
    : `records ${expected} to ${found - 1} are missing`;
  return `is record ${found}: ${missing}`;
}

async function* linesOf(
  path: string,
): AsyncGenerator<{ readonly text: string; readonly isEnded: boolean }, void, void> {
  let file: Deno.FsFile;
  try {
    file = await Deno.open(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return;
    throw error;
  }
  let pieces: Uint8Array[] = [];
  let length = 0;
  const keep = (piece: Uint8Array) => {
    length += piece.length;
    if (length <= MAX_LINE_BYTES) pieces.push(piece);
  };
  const taken = () => {
    const text = length > MAX_LINE_BYTES ? "" : textOf(Buffer.concat(pieces));
    [pieces, length] = [[], 0];
    return text;
  };
  for await (const chunk of file.readable) {
    let start = 0;
    for (let end; (end = chunk.indexOf(LF, start)) >= 0; start = end + 1) {
      keep(chunk.subarray(start, end));
      yield { text: taken(), isEnded: true };
    }
    keep(chunk.subarray(start));
  }
  if (length > 0) yield { text: taken(), isEnded: false };
}

/** Bytes that are not UTF-8 are no record: a lenient decoder would read different bytes as the same. */
function textOf(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return "";
  }
}
