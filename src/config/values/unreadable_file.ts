/**
 * The message about a file of the configuration that cannot be read. It contains the path, unless that
 * is none: a key in PEM or JSON in the place of its path is a secret.
 */

/** Longer than any path in use, and shorter than a key on one line. */
const MAX_PATH_LENGTH = 512;

/** JSON, PEM, PEM in base64, and characters that no path contains. */
const NO_PATH_BUT_A_KEY = /^\s*\{|-----BEGIN|^LS0tLS1CRUdJTi|\p{Cc}/u;

export function isPath(text: string): boolean {
  return text.length <= MAX_PATH_LENGTH && !NO_PATH_BUT_A_KEY.test(text);
}

export const NO_PATH = "must be the path of a file, not what the file holds";

/** The message about a file that cannot be read, or about a text that is no path. */
export function unreadableFile(path: string, failure: string): string {
  return isPath(path) ? `the file ${path} cannot be read: ${failure}` : NO_PATH;
}
