/**
 * Finds secrets that stand in the configuration file itself, in place of a reference to where they
 * are kept.
 *
 * @module
 */
import { readDocument } from "./config_document.ts";
import { type KeyPath, keyPath } from "./config_error.ts";

/** Keys whose value is a secret or holds secrets, wherever they stand. */
const SECRET_KEYS: ReadonlySet<string> = new Set([
  "ClientSecret",
  "EncryptionKey",
  "Headers",
  "HttpHeaders",
  "Password",
  "PrivateKey",
  "SecretAccessKey",
  "ServiceAccountKey",
  "SessionToken",
  "Token",
]);
const URL_WITH_PASSWORD = /^[a-z][a-z+.-]*:\/\/[^/@:]*:[^/@]+@/i;

/**
 * Lists the keys whose secrets stand in the file.
 *
 * @param text The text of the file, which has been read before.
 * @returns The keys.
 */
export function literalSecrets(text: string): string[] {
  const found: string[] = [];
  readDocument(text, (value, path) => {
    if (value !== "" && isLiteralSecret(value, path)) found.push(keyPath(path));
    return value;
  });
  return found;
}

/**
 * Tells whether a string is a secret itself, and no reference to one.
 *
 * @param value The string as written.
 * @param path Where it stands.
 * @returns Whether it is.
 */
export function isLiteralSecret(value: string, path: KeyPath): boolean {
  return !value.includes("${") && isSecret(value, path);
}

/**
 * Tells whether a key holds a secret.
 *
 * @param value Its value: a URL may hold a password.
 * @param path Where it stands.
 * @returns Whether it does.
 */
export function isSecret(value: string, path: KeyPath): boolean {
  if (URL_WITH_PASSWORD.test(value)) return true;
  if (path.at(-1) === "Key" && path.at(-2) === "Audit") return true;
  return path.some((step) => SECRET_KEYS.has(String(step)));
}
