/**
 * Masks the gateway's own credential in a store's error response. Debug pages and some proxies echo the
 * headers of a request, and a client must never learn the credential that the gateway added to it.
 *
 * Every character of the credential is replaced by an asterisk, so that the body keeps its length.
 * Nothing is buffered beyond twice the longest form of the credential.
 *
 * @module
 */
import { decodeLatin1, encodeLatin1 } from "../dicomweb/latin1.ts";
import { base64Forms } from "./written_forms.ts";

/** Shorter header values occur in ordinary text, and are no secrets. */
const MIN_SECRET_CHARACTERS = 4;

/** Headers that a signature adds and that are no secrets. */
const PUBLIC_HEADERS: ReadonlySet<string> = new Set([
  "content-encoding",
  "content-length",
  "content-type",
  "host",
  "x-amz-content-sha256",
  "x-amz-date",
  "x-amz-decoded-content-length",
]);

/** Headers of a response that hold for the bytes that the store sent. */
const DIGESTS = ["content-digest", "content-md5", "digest", "etag", "repr-digest"];

/** The longest way of writing one character that is found: `%2525` and two digits for each of four bytes. */
const MAX_SPELLING = 28;

/** HTML names of the characters that occur in credentials. */
const HTML_NAMES: Readonly<Record<string, string>> = {
  "&": "amp",
  "<": "lt",
  ">": "gt",
  '"': "quot",
  "'": "apos",
  "+": "plus",
  "/": "sol",
  "=": "equals",
  "_": "lowbar",
  ".": "period",
  ":": "colon",
};

/** A byte stream. */
type Body = ReadableStream<Uint8Array<ArrayBuffer>>;

/** Masks the credential of one request. */
export class CredentialMask {
  readonly #pattern: RegExp | undefined;
  readonly #maxMatch: number;

  /** @param headers The headers that the authorizer added to the request. */
  constructor(headers: Readonly<Record<string, string>>) {
    const forms = [
      ...new Set(secretsOf(headers).flatMap((secret) => [secret, ...base64Forms(secret)])),
    ]
      .sort((a, b) => b.length - a.length);
    this.#pattern = forms.length === 0
      ? undefined
      : new RegExp(forms.map(spellings).join("|"), "g");
    this.#maxMatch = Math.max(0, ...forms.map(maxLengthOf));
  }

  /**
   * Masks the credential in the headers and the body of a response.
   *
   * @param response The store's response, its body not read.
   * @returns A response of the same status and length. A body in a content coding that the runtime did not
   * decode cannot be searched and is removed.
   */
  mask(response: Response): Response {
    const pattern = this.#pattern;
    if (pattern === undefined) return response;
    const { status, body } = response;
    const headers = new Headers();
    response.headers.forEach((value, name) =>
      headers.append(name, value.replace(pattern, asterisks))
    );
    if (body === null) return new Response(null, { status, headers });
    for (const name of DIGESTS) headers.delete(name);
    const coding = headers.get("content-encoding");
    if (coding !== null && coding.trim().toLowerCase() !== "identity") {
      headers.delete("content-encoding");
      headers.delete("content-length");
      void body.cancel().catch(() => {});
      return new Response(null, { status, headers });
    }
    return new Response(this.#masked(body, pattern), { status, headers });
  }

  #masked(body: Body, pattern: RegExp): Body {
    const reader = body.getReader();
    const maxMatch = this.#maxMatch;
    let held = "";
    return new ReadableStream({
      async pull(controller) {
        for (;;) {
          const { done, value } = await reader.read();
          if (!done) {
            held += decodeLatin1(value);
            // Small pieces are gathered: each byte is searched at most twice.
            if (held.length <= 2 * maxMatch) continue;
          }
          const { clear, rest } = maskUpTo(
            held,
            done ? held.length : held.length - maxMatch,
            pattern,
          );
          held = rest;
          if (clear !== "") controller.enqueue(encodeLatin1(clear));
          if (done) controller.close();
          return;
        }
      },
      cancel: (reason) => reader.cancel(reason),
    }, { highWaterMark: 0 });
  }
}

/** Masks the matches that begin before a position; a later one may not be complete yet. */
function maskUpTo(text: string, limit: number, pattern: RegExp): { clear: string; rest: string } {
  let clear = "";
  let at = 0;
  for (const match of text.matchAll(pattern)) {
    if (match.index >= limit) break;
    clear += text.slice(at, match.index) + asterisks(match[0]);
    at = match.index + match[0].length;
  }
  const end = Math.max(at, limit);
  return { clear: clear + text.slice(at, end), rest: text.slice(end) };
}

function asterisks(text: string): string {
  return "*".repeat(text.length);
}

/** What is secret in the headers that an authorizer adds. */
function secretsOf(headers: Readonly<Record<string, string>>): string[] {
  const secrets = Object.entries(headers)
    .filter(([name]) => !PUBLIC_HEADERS.has(name.toLowerCase()))
    .flatMap(([, value]) => secretsIn(value));
  return secrets.filter((secret) => secret.length >= MIN_SECRET_CHARACTERS);
}

function secretsIn(value: string): string[] {
  const [, scheme, credential] = /^([^ ]+) +(.*)$/.exec(value) ?? [];
  if (scheme === undefined || credential === undefined) return [value];
  // The access key's identifier, scope and header names are no secrets, and AWS's messages quote them.
  if (scheme.startsWith("AWS4-")) return [credential.split("Signature=")[1] ?? credential];
  if (scheme.toLowerCase() !== "basic") return [value, credential];
  const pair = decodedBase64(credential);
  return [credential, pair, pair.slice(pair.indexOf(":") + 1)];
}

function decodedBase64(text: string): string {
  try {
    return new TextDecoder().decode(encodeLatin1(atob(text)));
  } catch {
    return "";
  }
}

/** A pattern for the ways in which a text may be escaped: percent-encoding, JSON, JavaScript, HTML. */
function spellings(text: string): string {
  return Array.from(text, spelling).join("");
}

/** The response is searched byte by byte, so that its charset does not matter. */
function spelling(char: string): string {
  if (/[A-Za-z0-9]/.test(char)) return char;
  const bytes = [...new TextEncoder().encode(char)];
  const code = char.codePointAt(0)!;
  const name = HTML_NAMES[char];
  const ways = [
    `\\\\{0,3}${bytes.map((byte) => `\\x${hex(byte, 2)}`).join("")}`,
    bytes.map((byte) => `%(?:25){0,2}${anyCase(hex(byte, 2))}`).join(""),
    `&(?:amp;){0,2}(?:#0{0,4}${code}|#[xX]0{0,4}${anyCase(hex(code))}${name ? `|${name}` : ""});`,
    `\\\\{1,4}(?:u${anyCase(hex(code, 4))}|x${anyCase(hex(code, 2))})`,
    ...(char === " " ? ["\\+"] : []),
  ];
  return `(?:${ways.join("|")})`;
}

function hex(number: number, digits = 1): string {
  return number.toString(16).padStart(digits, "0");
}

function anyCase(digits: string): string {
  return digits.replace(/[a-f]/g, (digit) => `[${digit}${digit.toUpperCase()}]`);
}

function maxLengthOf(text: string): number {
  return text.replace(/[^A-Za-z0-9]/g, "*".repeat(MAX_SPELLING)).length;
}
