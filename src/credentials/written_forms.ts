/**
 * The forms in which a secret may appear in text that another system wrote: as it is, percent-encoded,
 * form-encoded, and in base64 at each of its three alignments.
 *
 * @module
 */
import { encodeBase64 } from "@oslojs/encoding";

/** Shorter pieces of base64 occur in ordinary words: masking them would garble `invalid_client`. */
const MIN_BASE64_CHARACTERS = 6;

/**
 * Lists the forms of a secret.
 *
 * @param secret The secret; an empty one has no forms.
 * @returns The forms, with the secret itself first. A secret of fewer than 4 bytes has no form in base64.
 */
export function writtenForms(secret: string): string[] {
  if (secret === "") return [];
  const form = new URLSearchParams([["", secret]]).toString().slice(1);
  return [...new Set([secret, encodeURIComponent(secret), form, ...base64Forms(secret)])];
}

/**
 * Lists the forms of a secret in base64 and base64url, which depend on its position in the encoded
 * text. Characters that bytes beside the secret contribute to are left out.
 *
 * @returns The forms that are long enough to be told from ordinary text.
 */
export function base64Forms(secret: string): string[] {
  const bytes = new TextEncoder().encode(secret);
  const forms = [0, 1, 2].map((before) => {
    const text = encodeBase64(new Uint8Array([...new Uint8Array(before), ...bytes]));
    // A character stands for six bits.
    return text.slice(Math.ceil(before * 8 / 6), Math.floor((before + bytes.length) * 8 / 6));
  });
  return [encodeBase64(bytes), ...forms]
    .filter((form) => form.length >= MIN_BASE64_CHARACTERS)
    .flatMap((form) => [form, form.replaceAll("+", "-").replaceAll("/", "_")]);
}
