/**
 * Parses `Accept-Encoding`: whether a client wants gzip, and whether it accepts a body without coding.
 */
import { BoundedCache } from "../bounded_cache.ts";

export interface AcceptedCodings {
  /** Whether gzip is accepted, and no worse than no coding. */
  readonly gzip: boolean;
  readonly identity: boolean;
}

const NO_CODING: AcceptedCodings = { gzip: false, identity: true };
const cache = new BoundedCache<AcceptedCodings>({ maxEntries: 100, maxKeyLength: 200 });

/**
 * Parses the field (RFC 9110, section 12.5.3). Without it any coding is acceptable, but no client asks for
 * one by that.
 *
 * @example
 * ```ts
 * import { acceptedCodings } from "./accept_encoding.ts";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual(acceptedCodings("br, gzip;q=0.5"), { gzip: true, identity: true });
 * assert.deepEqual(acceptedCodings("gzip;q=0, *"), { gzip: false, identity: true });
 * ```
 */
export function acceptedCodings(acceptEncoding: string | null): AcceptedCodings {
  if (acceptEncoding === null) return NO_CODING;
  return cache.get(acceptEncoding, () => parse(acceptEncoding));
}

function parse(acceptEncoding: string): AcceptedCodings {
  const weights = new Map<string, number>();
  for (const item of acceptEncoding.toLowerCase().split(",")) {
    const [coding = "", ...parameters] = item.split(";").map((text) => text.trim());
    if (coding !== "") weights.set(coding === "x-gzip" ? "gzip" : coding, weightOf(parameters));
  }
  const others = weights.get("*");
  const gzip = weights.get("gzip") ?? others ?? 0;
  const identity = weights.get("identity");
  return {
    gzip: gzip > 0 && gzip >= (identity ?? 0),
    identity: (identity ?? (others === 0 ? 0 : 1)) > 0,
  };
}

/** The weight among the parameters, 1 without one, 0 if it is invalid. */
function weightOf(parameters: readonly string[]): number {
  const weight = parameters.find((parameter) => parameter.startsWith("q="));
  if (weight === undefined) return 1;
  const quality = Number(weight.slice(2).trim() || NaN);
  return quality >= 0 && quality <= 1 ? quality : 0;
}
