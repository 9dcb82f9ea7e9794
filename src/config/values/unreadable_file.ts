/**
 * Says why a file of the configuration cannot be read. Its path is named, unless it is none: a key in
 * PEM or JSON that stands where its path belongs is a secret.
 *
 * @module
 */

/** Longer than any path that people write; a key on one line is longer still. */
const MAX_PATH_LENGTH = 512;

/** JSON, PEM, PEM in base64, and what no path holds. */
const NO_PATH_BUT_A_KEY = /^\s*\{|-----BEGIN|^LS0tLS1CRUdJTi|\p{Cc}/u;

/**
 * Whether a text may be the path of a file.
 *
 * @example
 * ```ts
 * import { isPath } from "./unreadable_file.ts";
 * import assert from "node:assert/strict";
 *
 * assert.equal(isPath("secrets/key.pem"), true);
 * assert.equal(isPath("-----BEGIN PRIVATE KEY-----\nMIIE"), false);
 * ```
 */
export function isPath(text: string): boolean {
  return text.length <= MAX_PATH_LENGTH && !NO_PATH_BUT_A_KEY.test(text);
}

/** What is wrong with a text that is no path. */
export const NO_PATH = "must be the path of a file, not what the file holds";

/** The complaint about a file. */
export function unreadableFile(path: string, failure: string): string {
  return isPath(path) ? `the file ${path} cannot be read: ${failure}` : NO_PATH;
}
