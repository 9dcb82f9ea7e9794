/**
 * Which versions of Deno the gateway may run on. Measured through a bare `Deno.serve` to `fetch`
 * forwarder; `tests/streaming/` repeats the measurement on the version in use.
 *
 * @module
 */

/** What is known of a version of Deno. */
export interface DenoVerdict {
  readonly verdict: "fit" | "slow" | "unfit";
  /** Why, in a sentence; empty for a fit one. */
  readonly reason: string;
}

/** The version the project is tested on. */
export const PINNED_DENO = "2.7.14";

/**
 * Judges a version of Deno.
 *
 * @returns Whether the gateway may run on it.
 *
 * @example
 * ```ts
 * import { explainDeno } from "./deno_version.ts";
 * import assert from "node:assert/strict";
 *
 * assert.equal(explainDeno("2.7.14").verdict, "fit");
 * assert.equal(explainDeno("2.8.1").verdict, "unfit");
 * ```
 */
export function explainDeno(version: string): DenoVerdict {
  const [major = 0, minor = 0, patch = 0] = version.split(".").map((part) => parseInt(part, 10));
  if (major < 2 || (major === 2 && minor < 7)) {
    return {
      verdict: "unfit",
      reason:
        `Deno ${version} is older than any version tested with the gateway; use ${PINNED_DENO}`,
    };
  }
  if (major === 2 && minor === 8 && patch <= 2) {
    return {
      verdict: "unfit",
      reason:
        `Deno ${version} silently truncates uploads with a Content-Length; use ${PINNED_DENO}`,
    };
  }
  if (major > 2 || minor >= 8) {
    return {
      verdict: "slow",
      reason: `Deno ${version} is very slow on uploads in chunks below 64 KiB; use ${PINNED_DENO}`,
    };
  }
  return { verdict: "fit", reason: "" };
}
