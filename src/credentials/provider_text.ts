/**
 * Makes text of an identity provider fit for a message: short, on one line, and without secrets
 * that the provider echoes.
 *
 * @module
 */
import { JWT_LIKE, maskJwt } from "../telemetry/jwt_mask.ts";
import { writtenForms } from "./written_forms.ts";

const HIDDEN = "[hidden]";

/** So many characters of a secret in a row are hidden, too: some providers repeat its beginning. */
const PART = 8;

/** Control and format characters: line breaks that forge log lines, marks that reverse the text. */
const UNPRINTABLE = /[\p{C}\p{Z}]+/gu;

/**
 * Quotes what an identity provider said.
 *
 * @param maxLength Longest result, in UTF-16 code units.
 * @param secrets What must not appear, nor eight characters of it, as it is, URL-encoded or in base64.
 * @returns The text without secrets, tokens, line breaks and control characters.
 *
 * @example
 * ```ts
 * import { quoteProvider } from "./provider_text.ts";
 * import assert from "node:assert/strict";
 *
 * assert.equal(quoteProvider("bad secret\r\nhunter2", 100, ["hunter2"]), "bad secret [hidden]");
 * assert.equal(quoteProvider("wrong: 5f0c8a52…", 100, ["5f0c8a527f0e4b52"]), "wrong: [hidden]…");
 * assert.equal(quoteProvider("too long", 4, []), "too…");
 * ```
 */
export function quoteProvider(
  text: string,
  maxLength: number,
  secrets: readonly string[],
): string {
  // Before anything is cut or replaced: half a secret might no longer be recognised.
  const quoted = hide(text, secrets.flatMap(writtenForms))
    .replace(JWT_LIKE, maskJwt(HIDDEN)).replace(UNPRINTABLE, " ").trim();
  return quoted.length <= maxLength ? quoted : `${quoted.slice(0, maxLength - 1)}…`;
}

/** Quotes the error code and the description of a refusal: ` code (description)`. */
export function quoteRefusal(
  { error, description }: {
    readonly error?: string | undefined;
    readonly description?: string | undefined;
  },
  secrets: readonly string[],
): string {
  const code = quoteProvider(error ?? "", 64, secrets);
  const text = quoteProvider(description ?? "", 300, secrets);
  return (code && ` ${code}`) + (text && ` (${text})`);
}

function hide(text: string, forms: readonly string[]): string {
  const parts = new Set<string>();
  let shown = text;
  for (const form of forms) {
    if (form.length < PART) shown = shown.replaceAll(form, HIDDEN);
    for (let at = 0; at + PART <= form.length; at++) parts.add(form.slice(at, at + PART));
  }
  let result = "";
  let hiddenTo = 0;
  for (let at = 0; at < shown.length; at++) {
    if (parts.has(shown.slice(at, at + PART))) {
      if (at >= hiddenTo) result += HIDDEN;
      hiddenTo = at + PART;
    }
    if (at >= hiddenTo) result += shown[at];
  }
  return result;
}
