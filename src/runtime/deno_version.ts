/**
 * Which versions of Deno the gateway may run on. Measured with a bare forwarder from `Deno.serve` to
 * `fetch`; `tests/streaming/` repeats the measurement on the version in use.
 */

export interface DenoVerdict {
  readonly verdict: "fit" | "slow" | "unfit";
  /** Why, in a sentence; empty if fit. */
  readonly reason: string;
}

/** The version the project is tested on. */
export const PINNED_DENO = "2.7.14";

/**
 * Whether the gateway may run on a version of Deno.
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
  const reasonOf = (fault: string) => `Deno ${version} ${fault}; use ${PINNED_DENO}`;
  if (major < 2 || (major === 2 && minor < 7)) {
    const reason = reasonOf("is older than any version tested with the gateway");
    return { verdict: "unfit", reason };
  }
  if (major === 2 && minor === 8 && patch <= 2) {
    const reason = reasonOf("silently truncates uploads with a Content-Length");
    return { verdict: "unfit", reason };
  }
  if (major > 2 || minor >= 8) {
    return { verdict: "slow", reason: reasonOf("is very slow on uploads in chunks below 64 KiB") };
  }
  return { verdict: "fit", reason: "" };
}
