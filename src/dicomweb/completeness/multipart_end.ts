/**
 * Finds the closing delimiter of a multipart body (RFC 2046, section 5.1.1) as it streams by
 * (Boyer, Moore and Horspool), copying only what spans two chunks.
 *
 * @module
 */
import { encodeLatin1 } from "../latin1.ts";

const LF = 10;

export class MultipartEnd {
  readonly name = "its closing delimiter";
  /** Some senders end lines by LF alone, so the CR before it is not required. */
  readonly #delimiter: Uint8Array<ArrayBuffer>;
  readonly #skip: Uint8Array;
  /** The last bytes, fewer than the delimiter has; the body itself begins on a new line. */
  #tail: Uint8Array<ArrayBuffer> = Uint8Array.of(LF);
  #isReached = false;

  /** @param boundary Without quotes and leading dashes: Latin-1, 200 characters at most. */
  constructor(boundary: string) {
    this.#delimiter = encodeLatin1(`\n--${boundary}--`);
    const last = this.#delimiter.length - 1;
    this.#skip = new Uint8Array(256).fill(last + 1);
    for (let at = 0; at < last; at++) this.#skip[this.#delimiter[at]!] = last - at;
  }

  get isReached(): boolean {
    return this.#isReached;
  }

  push(chunk: Uint8Array<ArrayBuffer>): void {
    if (this.#isReached) return;
    const kept = this.#delimiter.length - 1;
    const seam = joined(this.#tail, chunk.subarray(0, kept));
    this.#isReached = this.#isIn(seam) || this.#isIn(chunk);
    const tail = chunk.length >= kept ? chunk : seam;
    this.#tail = tail.slice(Math.max(0, tail.length - kept));
  }

  #isIn(bytes: Uint8Array): boolean {
    const [delimiter, skip] = [this.#delimiter, this.#skip];
    const last = delimiter.length - 1;
    for (let at = last; at < bytes.length; at += skip[bytes[at]!]!) {
      let matched = 0;
      while (matched <= last && bytes[at - matched] === delimiter[last - matched]) matched++;
      if (matched > last) return true;
    }
    return false;
  }
}

function joined(
  first: Uint8Array<ArrayBuffer>,
  second: Uint8Array<ArrayBuffer>,
): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(first.length + second.length);
  all.set(first);
  all.set(second, first.length);
  return all;
}
