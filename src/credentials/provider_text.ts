/**
 * Makes text of an identity provider fit for a message: short, on one line, and without secrets
 * that the provider echoes.
 *
 * @module
 */

const HIDDEN = "[hidden]";

/** Control and format characters: line breaks that forge log lines, marks that reverse the text. */
const UNPRINTABLE = /[\p{C}\p{Z}]+/gu;

/** Three base64url parts, as of a JWT; the first starts as every JSON object does. */
const JWT = /eyJ[\w-]*\.[\w-]*\.[\w-]*/g;

/**
 * Quotes what an identity provider said.
 *
 * @param text What it said.
 * @param maxLength Longest result, in UTF-16 code units.
 * @param secrets What must not appear, as it is, form-encoded or in base64.
 * @returns The text without secrets, tokens, line breaks and control characters.
 *
 * @example
 * ```ts
 * import { quoteProvider } from "./provider_text.ts";
 * import assert from "node:assert/strict";
 *
 * assert.equal(quoteProvider("bad secret\r\nhunter2", 100, ["hunter2"]), "bad secret [hidden]");
 * assert.equal(quoteProvider("too long", 4, []), "too…");
 * ```
 */
export function quoteProvider(
  text: string,
  maxLength: number,
  secrets: readonly string[],
): string {
  let quoted = text;
  // Before anything is cut or replaced: half a secret would no longer be recognised.
  for (const secret of secrets) {
    for (const form of writtenForms(secret)) quoted = quoted.replaceAll(form, HIDDEN);
  }
  quoted = quoted.replace(JWT, HIDDEN).replace(UNPRINTABLE, " ").trim();
  return quoted.length <= maxLength ? quoted : `${quoted.slice(0, maxLength - 1)}…`;
}

function writtenForms(secret: string): Set<string> {
  if (secret === "") return new Set();
  const base64 = btoa(String.fromCharCode(...new TextEncoder().encode(secret)));
  const form = new URLSearchParams([["", secret]]).toString().slice(1);
  return new Set([secret, encodeURIComponent(secret), form, base64]);
}
