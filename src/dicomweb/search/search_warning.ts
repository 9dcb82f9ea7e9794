/**
 * Warnings about results that a store did not return: `Warning: 299 {service}: There are {n}
 * additional results that can be requested` (PS3.18, section 8.3.4.4.1).
 */

export interface Remaining {
  readonly isMore: boolean;
  /** How many; undefined if the store does not say. */
  readonly count: number | undefined;
}

// Linear, all three: the input is the store's.
const ADDITIONAL = /additional (?:results|matches)|can be requested/i;
/** Several warnings in one header, whose texts may contain commas. */
const BETWEEN_WARNINGS = /,(?= ?\d{3} )/;

/** Reads what a page's `Warning` says about further results. */
export function readRemaining(warning: string | null): Remaining {
  const text = warningsOf(warning).find((each) => ADDITIONAL.test(each));
  if (text === undefined) return { isMore: false, count: undefined };
  const digits = /(?:^|[ (])(\d{1,9}) (?:additional|more) /i.exec(text)?.[1];
  const count = digits === undefined ? undefined : Number(digits);
  return { isMore: count !== 0, count };
}

/**
 * The warnings of a search's first page that apply to the collected list too; undefined if none do.
 *
 * @param remaining Number of results after the collected list; 0: none, or unknown.
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
