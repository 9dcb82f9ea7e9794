/**
 * Writes a JSON array from elements in bytes.
 *
 * @module
 */

const PIECE_BYTES = 64 * 1024;
const OPEN = Uint8Array.of(0x5b);
const COMMA = Uint8Array.of(0x2c);
const CLOSE = Uint8Array.of(0x5d);

export class JsonListWriter {
  /** Number of elements. */
  count = 0;
  /** Bytes not yet taken. */
  bytes = 0;
  #pieces: Uint8Array<ArrayBuffer>[] = [];
  #piece = new Uint8Array(PIECE_BYTES);
  #used = 0;

  add(element: Uint8Array): void {
    this.#write(this.count++ === 0 ? OPEN : COMMA);
    this.#write(element);
  }

  /**
   * Returns what was written since the last call.
   *
   * @param isEnd Close the array.
   */
  take(isEnd: boolean): Uint8Array<ArrayBuffer> {
    if (isEnd && this.count === 0) this.#write(OPEN);
    if (isEnd) this.#write(CLOSE);
    const taken = new Uint8Array(this.bytes);
    let at = 0;
    for (const piece of [...this.#pieces, this.#piece.subarray(0, this.#used)]) {
      taken.set(piece, at);
      at += piece.length;
    }
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
