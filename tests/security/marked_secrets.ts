/**
 * Secrets that a test can find again in whatever was told: as they are, in base64 or base64url wherever
 * in the encoded text they stand, URL-encoded, in hexadecimal, and in parts of eight characters.
 *
 * @module
 */

/** So many characters in a row are a part of a secret: a chance meeting is next to impossible. */
const PART = 8;

/** In hexadecimal, eight of them are met by chance in what is told of identifiers and times. */
const HEX_PART = 2 * PART;
const HEX = /^[0-9a-f]+$/;

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/** Where something was told that should not have been. */
export interface Leak {
  /** Name of the secret. */
  readonly secret: string;
  /** What stands there, with what is around it. */
  readonly excerpt: string;
}

/** Makes secrets, learns of more, and finds them. */
export class MarkedSecrets {
  readonly #parts = new Map<string, string>();
  readonly #names = new Set<string>();

  /** The names of all secrets. */
  get names(): ReadonlySet<string> {
    return this.#names;
  }

  /**
   * Makes a secret.
   *
   * @param options `length`: in characters, 40 unless given; `special`: characters that look otherwise
   * in every encoding, put into its middle.
   */
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

  /**
   * Takes note of a secret.
   *
   * @param secret The secret; shorter ones than a part cannot be told from chance and are passed over.
   */
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

  /**
   * Finds secrets.
   *
   * @returns Where secrets stand in it, one place for each secret.
   */
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

/** In base64 a text looks otherwise by where it stands; what other bytes decide, too, is left out. */
function base64Forms(bytes: Uint8Array): string[] {
  const forms = [0, 1, 2].map((before) => {
    const text = new Uint8Array([...new Uint8Array(before), ...bytes]).toBase64();
    return text.slice(before === 0 ? 0 : 4).replace(/.?.?={0,2}$/, "");
  });
  return forms.flatMap((form) => [form, form.replaceAll("+", "-").replaceAll("/", "_")]);
}
