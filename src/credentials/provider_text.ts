/**
 * Sanitizes an identity provider's text for messages: short, one line, without echoed secrets.
 */
import { JWT_LIKE, maskJwt } from "../telemetry/jwt_mask.ts";
import type { ProviderWords } from "./provider_words.ts";
import { writtenForms } from "./written_forms.ts";

const HIDDEN = "[hidden]";

/** Hides runs of this many characters of a secret: some providers repeat its beginning. */
const PART = 8;

/** Control and format characters: line breaks that forge log lines, marks that reverse the text. */
const UNPRINTABLE = /[\p{C}\p{Z}]+/gu;

/**
 * Removes secrets, tokens, line breaks and control characters from a provider's text.
 *
 * @param maxLength In UTF-16 code units.
 * @param secrets Hidden from 8 characters on; plain, URL-encoded and in base64.
 */
export function quoteProvider(
  text: string,
  maxLength: number,
  secrets: readonly string[],
): string {
  // Before truncation: half a secret might not be recognised.
  const quoted = hide(text, secrets.flatMap(writtenForms))
    .replace(JWT_LIKE, maskJwt(HIDDEN)).replace(UNPRINTABLE, " ").trim();
  return quoted.length <= maxLength ? quoted : `${quoted.slice(0, maxLength - 1)}…`;
}

/** Quotes the words of a refusal: ` code (description) [Server: name]`. */
export function quoteRefusal(
  { error, description, sender }: ProviderWords,
  secrets: readonly string[],
): string {
  const code = quoteProvider(error ?? "", 64, secrets);
  const text = quoteProvider(description ?? "", 300, secrets);
  const by = quoteProvider(sender ?? "", 150, secrets);
  return (code && ` ${code}`) + (text && ` (${text})`) + (by && ` [${by}]`);
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
