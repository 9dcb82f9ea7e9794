/**
 * Headers as a list, which the runtime takes in at half of what taking in `Headers` costs it.
 *
 * @module
 */

/**
 * Lists headers.
 *
 * @returns Names in lower case, with their values; repeated ones are joined, but for `set-cookie`.
 *
 * @example
 * ```ts
 * import { headerList } from "./header_list.ts";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual(headerList(new Headers({ Accept: "a/b" })), [["accept", "a/b"]]);
 * ```
 */
export function headerList(headers: Headers): [name: string, value: string][] {
  const list: [string, string][] = [];
  headers.forEach((value, name) => list.push([name, value]));
  return list;
}
