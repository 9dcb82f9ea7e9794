/**
 * The forms of a secret in another system's text: plain, percent-encoded, form-encoded, and base64
 * at each of its three alignments.
 */
import { encodeBase64 } from "@oslojs/encoding";

/** Shorter base64 occurs in ordinary words: masking it would garble `invalid_client`. */
const MIN_BASE64_CHARACTERS = 6;

/** @returns The forms, the secret itself first; none for an empty secret. */
export function writtenForms(secret: string): string[] {
  if (secret === "") return [];
  const form = new URLSearchParams([["", secret]]).toString().slice(1);
  return [...new Set([secret, encodeURIComponent(secret), form, ...base64Forms(secret)])];
}

/**
 * Lists the base64 and base64url forms of a secret for each alignment in the encoded text, without
 * the characters that adjacent bytes contribute to. A secret of fewer than 4 bytes has none.
 */
export function base64Forms(secret: string): string[] {
  const bytes = new TextEncoder().encode(secret);
  const forms = [0, 1, 2].map((before) => {
    const text = encodeBase64(new Uint8Array([...new Uint8Array(before), ...bytes]));
    return text.slice(Math.ceil(before * 8 / 6), Math.floor((before + bytes.length) * 8 / 6));
  });
  return [encodeBase64(bytes), ...forms]
    .filter((form) => form.length >= MIN_BASE64_CHARACTERS)
    .flatMap((form) => [form, form.replaceAll("+", "-").replaceAll("/", "_")]);
}
