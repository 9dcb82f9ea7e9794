/**
 * Writes a JSON array from elements in bytes.
 */
import { CLOSE_BRACKET, COMMA, OPEN_BRACKET } from "../ascii.ts";
import { type Bytes, joinBytes } from "../bytes.ts";

const PIECE_BYTES = 64 * 1024;
const OPEN = Uint8Array.of(OPEN_BRACKET);
const SEPARATOR = Uint8Array.of(COMMA);
const CLOSE = Uint8Array.of(CLOSE_BRACKET);

export class JsonListWriter {
  /** Number of elements. */
  count = 0;
  /** Bytes not yet taken. */
  bytes = 0;
  #pieces: Bytes[] = [];
  #piece = new Uint8Array(PIECE_BYTES);
  #used = 0;

  add(element: Uint8Array): void {
    this.#write(this.count++ === 0 ? OPEN : SEPARATOR);
    this.#write(element);
  }

  /**
   * Returns what was written since the last call.
   *
   * @param isEnd Close the array.
   */
  take(isEnd: boolean): Bytes {
    if (isEnd && this.count === 0) this.#write(OPEN);
    if (isEnd) this.#write(CLOSE);
    const taken = joinBytes([...this.#pieces, this.#piece.subarray(0, this.#used)]);
    this.#pieces = [];
    this.bytes = this.#used = 0;
    return taken;
  }

  #write(bytes: Uint8Array): void {
    this.bytes += bytes.length;
    for (let at = 0; at < bytes.length;) {
      const room = bytes.subarray(at, at + PIECE_BYTES - this.#used);
      this.#piece.set(room, this.#used);
      this.#used += room.length;
      at += room.length;
      if (this.#used < PIECE_BYTES) break;
      this.#pieces.push(this.#piece);
      this.#piece = new Uint8Array(PIECE_BYTES);
      this.#used = 0;
    }
  }
}
