/**
 * Masks the gateway's own credential in a store's error response: debug pages and some proxies echo
 * request headers, and a client must never learn the credential. Each character becomes an asterisk,
 * so that the body keeps its length. Buffers at most twice the longest form of the credential.
 */
import { decodeLatin1, encodeLatin1 } from "../dicomweb/latin1.ts";
import { TimeSlice } from "../dicomweb/time_slice.ts";
import { SpelledSearch } from "./spelled_search.ts";
import { base64Forms } from "./written_forms.ts";

const MAX_PIECE_BYTES = 64 * 1024;

/** Shorter header values occur in ordinary text. */
const MIN_SECRET_CHARACTERS = 4;

/** Not secret, though the authorizer adds them. */
const PUBLIC_HEADERS: ReadonlySet<string> = new Set([
  "content-encoding",
  "content-length",
  "content-type",
  "host",
  "x-amz-content-sha256",
  "x-amz-date",
  "x-amz-decoded-content-length",
]);

/** Response headers that no longer match a masked body. */
const DIGESTS = ["content-digest", "content-md5", "digest", "etag", "repr-digest"];

type Body = ReadableStream<Uint8Array<ArrayBuffer>>;

/** Masks the credential of one request. */
export class CredentialMask {
  readonly #search: SpelledSearch | undefined;

  /** @param headers The headers that the authorizer added to the request. */
  constructor(headers: Readonly<Record<string, string>>) {
    const forms = secretsOf(headers).flatMap((secret) => [secret, ...base64Forms(secret)]);
    this.#search = forms.length === 0 ? undefined : new SpelledSearch(forms);
  }

  /**
   * Masks the credential in headers and body. A body in a content coding that the runtime did not
   * decode cannot be searched and is removed.
   */
  mask(response: Response): Response {
    const search = this.#search;
    if (search === undefined) return response;
    const { status, body } = response;
    const headers = new Headers();
    response.headers.forEach((value, name) =>
      headers.append(name, maskUpTo(value, value.length, search).clear)
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
    return new Response(maskedBody(body, search), { status, headers });
  }
}

/** A chunk may have any size: searching it pauses for other requests. */
function maskedBody(body: Body, search: SpelledSearch): Body {
  const reader = body.getReader();
  const { maxMatch } = search;
  let unread = new Uint8Array();
  let held = "";
  return new ReadableStream({
    async pull(controller) {
      const slice = new TimeSlice();
      for (;;) {
        if (slice.isOver) await slice.pause();
        const { done, value } = unread.length > 0
          ? { done: false, value: unread }
          : await reader.read();
        if (!done) {
          held += decodeLatin1(value.subarray(0, MAX_PIECE_BYTES));
          unread = value.subarray(MAX_PIECE_BYTES);
          // Small chunks are collected, so that each byte is searched at most twice.
          if (held.length <= 2 * maxMatch) continue;
        }
        const limit = done ? held.length : held.length - maxMatch;
        const { clear, rest } = maskUpTo(held, limit, search);
        held = rest;
        if (clear !== "") controller.enqueue(encodeLatin1(clear));
        if (done) return controller.close();
        if (unread.length === 0) return;
      }
    },
    cancel: (reason) => reader.cancel(reason),
  }, { highWaterMark: 0 });
}

/** Masks the matches that begin before `limit`; a later one may be incomplete. */
function maskUpTo(
  text: string,
  limit: number,
  search: SpelledSearch,
): { clear: string; rest: string } {
  let clear = "";
  let at = 0;
  for (let found = search.next(text, 0, limit); found; found = search.next(text, at, limit)) {
    clear += text.slice(at, found.start) + "*".repeat(found.end - found.start);
    at = found.end;
  }
  const end = Math.max(at, limit);
  return { clear: clear + text.slice(at, end), rest: text.slice(end) };
}

function secretsOf(headers: Readonly<Record<string, string>>): string[] {
  const secrets = Object.entries(headers)
    .filter(([name]) => !PUBLIC_HEADERS.has(name.toLowerCase()))
    .flatMap(([, value]) => secretsIn(value));
  return secrets.filter((secret) => secret.length >= MIN_SECRET_CHARACTERS);
}

function secretsIn(value: string): string[] {
  const space = value.indexOf(" ");
  if (space <= 0) return [value];
  const scheme = value.slice(0, space);
  const credential = value.slice(space).trimStart();
  // Access key identifier, scope and header names are not secret, and AWS error messages quote them.
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
