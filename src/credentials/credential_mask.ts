/**
 * Masks the gateway's own credential in a store's answer that is no success. Debug pages and some proxies echo the
 * headers of a request, and a client must never learn the credential that the gateway added to it.
 *
 * Every character of the credential is replaced by an asterisk, so that the body keeps its length.
 * Nothing is buffered beyond twice the longest form of the credential.
 *
 * @module
 */
import { decodeLatin1, encodeLatin1 } from "../dicomweb/latin1.ts";
import { TimeSlice } from "../dicomweb/time_slice.ts";
import { SpelledSearch } from "./spelled_search.ts";
import { base64Forms } from "./written_forms.ts";

/** What is searched at a stretch, at least. */
const MAX_PIECE_BYTES = 64 * 1024;

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

/** A byte stream. */
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
   * Masks the credential in the headers and the body of a response.
   *
   * @param response The store's response, its body not read.
   * @returns A response of the same status and length. A body in a content coding that the runtime did not
   * decode cannot be searched and is removed.
   */
  mask(response: Response): Response {
    const search = this.#search;
    if (search === undefined) return response;
    const { status, body } = response;
    const headers = new Headers();
    response.headers.forEach((value, name) => headers.append(name, masked(value, search)));
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

/** A page may be one piece of any size: others proceed while it is searched. */
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
          // Small pieces are gathered: each byte is searched at most twice.
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

/** Masks the matches that begin before a position; a later one may not be complete yet. */
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

function masked(text: string, search: SpelledSearch): string {
  return maskUpTo(text, text.length, search).clear;
}

/** What is secret in the headers that an authorizer adds. */
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
