/**
 * Sanitizes an identity provider's text for messages: short, one line, without echoed secrets.
 */
import { decodeLatin1, encodeLatin1 } from "../dicomweb/latin1.ts";
import { JWT_LIKE, maskJwt } from "../telemetry/jwt_mask.ts";
import type { ProviderWords } from "./provider_words.ts";
import { SpelledSearch } from "./spelled_search.ts";
import { writtenForms } from "./written_forms.ts";

const HIDDEN = "[hidden]";

/** Hides runs of this many characters of a secret. */
const PART = 8;

/** Control and format characters: line breaks that forge log lines, marks that reverse the text. */
const UNPRINTABLE = /[\p{C}\p{Z}]+/gu;

/**
 * Removes secrets, tokens, line breaks and control characters from a provider's text.
 *
 * @param maxLength In UTF-16 code units.
 * @param secrets Hidden in every escaping as a whole; from 8 characters on plain, URL-encoded and in base64.
 */
export function quoteProvider(
  text: string,
  maxLength: number,
  secrets: readonly string[],
): string {
  // Before truncation: half a secret might not be recognised.
  const quoted = hideParts(hideSpelled(text, secrets), secrets.flatMap(writtenForms))
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

/** Escaped as in JSON, also inside JSON, in HTML or in URLs. */
function hideSpelled(text: string, secrets: readonly string[]): string {
  const search = new SpelledSearch(secrets.filter((secret) => secret !== ""));
  const bytes = decodeLatin1(new TextEncoder().encode(text));
  let hidden = "";
  let at = 0;
  for (let found; (found = search.next(bytes, at, bytes.length)) !== undefined; at = found.end) {
    hidden += bytes.slice(at, found.start) + HIDDEN;
  }
  return new TextDecoder().decode(encodeLatin1(hidden + bytes.slice(at)));
}

/** Some providers repeat the beginning of a secret. */
function hideParts(text: string, forms: readonly string[]): string {
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
