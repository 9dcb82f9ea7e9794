/**
 * Secrets that a test can find in any output: plain, in base64 or base64url at any offset of the encoded
 * text, URL-encoded, in hexadecimal, and in parts of eight characters.
 */

/** Consecutive characters that count as a part of a secret: a coincidence is next to impossible. */
const PART = 8;

/** In hexadecimal, since eight characters may coincide with those of identifiers and times. */
const HEX_PART = 2 * PART;
const HEX = /^[0-9a-f]+$/;

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

export interface Leak {
  /** Its name. */
  readonly secret: string;
  /** The text around it. */
  readonly excerpt: string;
}

/** Creates secrets and finds them in text. */
export class MarkedSecrets {
  readonly #parts = new Map<string, string>();
  readonly #names = new Set<string>();

  /** The names of all secrets. */
  get names(): ReadonlySet<string> {
    return this.#names;
  }

  /** @param options `special`: characters for its middle that differ in every encoding. */
  make(
    name: string,
    { length = 40, special = "" }: { readonly length?: number; readonly special?: string } = {},
  ): string {
    const random = crypto.getRandomValues(new Uint8Array(length));
    const text = [...random].map((byte) => ALPHABET[byte % ALPHABET.length]).join("");
    const secret = text.slice(0, length / 2) + special + text.slice(length / 2);
    this.add(name, secret);
    return secret;
  }

  /** Adds a secret; ignores one that is shorter than a part, as it could be found by coincidence. */
  add(name: string, secret: string | Uint8Array): void {
    const bytes = typeof secret === "string" ? new TextEncoder().encode(secret) : secret;
    if (bytes.length < PART) return;
    this.#names.add(name);
    const forms = [hex(bytes), ...base64Forms(bytes)];
    if (typeof secret === "string") {
      const form = new URLSearchParams([["", secret]]).toString().slice(1);
      forms.push(secret, encodeURIComponent(secret), form, JSON.stringify(secret).slice(1, -1));
    }
    for (const form of forms) {
      const length = HEX.test(form) ? HEX_PART : PART;
      for (let at = 0; at + length <= form.length; at++) {
        const part = form.slice(at, at + length);
        if (length === HEX_PART || !HEX.test(part)) this.#parts.set(part, name);
      }
    }
  }

  /** @returns One place for each secret found. */
  findIn(text: string): Leak[] {
    const leaks = new Map<string, Leak>();
    for (let at = 0; at + PART <= text.length; at++) {
      const secret = this.#parts.get(text.slice(at, at + PART)) ??
        this.#parts.get(text.slice(at, at + HEX_PART));
      if (secret === undefined || leaks.has(secret)) continue;
      leaks.set(secret, { secret, excerpt: text.slice(Math.max(at - 300, 0), at + 60) });
    }
    return [...leaks.values()];
  }
}

function hex(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Base64 depends on the offset of the text; without the characters that adjacent bytes affect. */
function base64Forms(bytes: Uint8Array): string[] {
  const forms = [0, 1, 2].map((before) => {
    const text = new Uint8Array([...new Uint8Array(before), ...bytes]).toBase64();
    return text.slice(before === 0 ? 0 : 4).replace(/.?.?={0,2}$/, "");
  });
  return forms.flatMap((form) => [form, form.replaceAll("+", "-").replaceAll("/", "_")]);
}
