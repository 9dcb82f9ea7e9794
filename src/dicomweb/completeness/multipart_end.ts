/**
 * Finds the closing delimiter of a multipart body (RFC 2046, section 5.1.1) as it streams by
 * (Boyer, Moore and Horspool), copying only what spans two chunks.
 */
import { LF } from "../ascii.ts";
import { type Bytes, joinBytes } from "../bytes.ts";
import { encodeLatin1 } from "../latin1.ts";
import { horspoolTable } from "../multipart/multipart_scanner.ts";

export class MultipartEnd {
  readonly name = "its closing delimiter";
  /** Some senders end lines by LF alone, so the CR before it is not required. */
  readonly #delimiter: Bytes;
  readonly #skip: Uint8Array;
  /** The last bytes, fewer than the delimiter has; the body itself begins on a new line. */
  #tail: Bytes = Uint8Array.of(LF);
  #isReached = false;

  /** @param boundary Without quotes and leading dashes: Latin-1, 200 characters at most. */
  constructor(boundary: string) {
    this.#delimiter = encodeLatin1(`\n--${boundary}--`);
    this.#skip = horspoolTable(this.#delimiter);
  }

  get isReached(): boolean {
    return this.#isReached;
  }

  push(chunk: Bytes): void {
    if (this.#isReached) return;
    const kept = this.#delimiter.length - 1;
    const seam = joinBytes([this.#tail, chunk.subarray(0, kept)]);
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
