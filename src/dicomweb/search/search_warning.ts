/**
 * What stores say about results that they did not return: `Warning: 299 {service}: There are {n}
 * additional results that can be requested` (PS3.18, section 8.3.4.4.1).
 *
 * @module
 */

/** What a store said about further results. */
export interface Remaining {
  /** Whether it said that there are any. */
  readonly isMore: boolean;
  /** How many; `undefined` where it did not say. */
  readonly count: number | undefined;
}

// Linear, all three: a store may send whatever it likes.
const ADDITIONAL = /additional (?:results|matches)|can be requested/i;
/** Several warnings in one header; the text of each may hold commas. */
const BETWEEN_WARNINGS = /,(?= ?\d{3} )/;

/**
 * Reads what the `Warning` of a page says about further results.
 *
 * @param warning The header's value, or `null` where there is none.
 *
 * @example
 * ```ts
 * import { readRemaining } from "./search_warning.ts";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual(
 *   readRemaining("299 https://store.example/rs: There are 800 additional results that can be requested"),
 *   { isMore: true, count: 800 },
 * );
 * assert.deepEqual(readRemaining(null), { isMore: false, count: undefined });
 * ```
 */
export function readRemaining(warning: string | null): Remaining {
  const text = warningsOf(warning).find((each) => ADDITIONAL.test(each));
  if (text === undefined) return { isMore: false, count: undefined };
  const digits = /(?:^|[ (])(\d{1,9}) (?:additional|more) /i.exec(text)?.[1];
  const count = digits === undefined ? undefined : Number(digits);
  return { isMore: count !== 0, count };
}

/**
 * The warnings of a search's first page that hold for the collected list too.
 *
 * @param warning The header's value, or `null` where there is none.
 * @param remaining How many results remain after the collected list; 0: none, or not known.
 * @returns The header for the client; `undefined` where nothing is left to say.
 *
 * @example
 * ```ts
 * import { collectedWarning } from "./search_warning.ts";
 * import assert from "node:assert/strict";
 *
 * const first = '299 store: There are 800 additional results that can be requested, 299 - "No fuzzy matching"';
 * assert.equal(collectedWarning(first, 0), '299 - "No fuzzy matching"');
 * assert.match(collectedWarning(first, 700)!, /^299 store: There are 700 additional results/);
 * ```
 */
export function collectedWarning(warning: string | null, remaining: number): string | undefined {
  const kept = warningsOf(warning).flatMap((text) => {
    if (!ADDITIONAL.test(text)) return [text];
    const counted = text.replace(/\d{1,9}(?= (?:additional|more) )/i, String(remaining));
    return remaining > 0 && counted !== text ? [counted] : [];
  });
  return kept.length === 0 ? undefined : kept.join(", ");
}

function warningsOf(warning: string | null): string[] {
  if (warning === null) return [];
  return warning.split(BETWEEN_WARNINGS).map((text) => text.trim());
}
