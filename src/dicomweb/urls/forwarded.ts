/**
 * Reads what a proxy says of the request that it passes on (RFC 7239).
 *
 * @module
 */

/** What is between semicolons, those in quotes apart; a quoted string without its end takes the rest. */
const PAIR = /(?:[^;"]|"(?:[^"\\]|\\.?)*"?)+/g;
const PARAMETER = /^([\w!#$%&'*+.^`|~-]+)=(?:"((?:[^"\\]|\\.)*)"|([^",\s]+))$/;

/**
 * Reads one element of a `Forwarded` header. Of a repeated parameter the first counts.
 *
 * @param element What one proxy has written, without the commas around it.
 * @returns The parameters by lower-case name, values without quotes; what is no parameter is left out.
 *
 * @example
 * ```ts
 * import { forwardedParameters } from "./forwarded.ts";
 * import assert from "node:assert/strict";
 *
 * const parameters = forwardedParameters('for="[2001:db8::1]:4711";proto=https');
 * assert.deepEqual([...parameters], [["for", "[2001:db8::1]:4711"], ["proto", "https"]]);
 * ```
 */
export function forwardedParameters(element: string): Map<string, string> {
  const parameters = new Map<string, string>();
  for (const pair of element.match(PAIR) ?? []) {
    const [, name, quoted, plain] = PARAMETER.exec(pair.trim()) ?? [];
    const key = name?.toLowerCase();
    if (key === undefined || parameters.has(key)) continue;
    parameters.set(key, quoted?.replace(/\\(.)/g, "$1") ?? plain!);
  }
  return parameters;
}
