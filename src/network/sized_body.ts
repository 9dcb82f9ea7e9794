/**
 * A body that comes as a stream, of known length. `fetch` sends a plain stream in chunks, whatever
 * `Content-Length` says, and some stores take no chunks; of a `Blob` it believes the size.
 *
 * @module
 */

/** A stream with its length, for `fetch`. */
export class SizedBody extends Blob {
  readonly #open: () => ReadableStream<Uint8Array<ArrayBuffer>>;
  readonly #length: number;

  /**
   * @param length Bytes that the stream gives. Fewer fail the request; more are cut off.
   * @param open Opens the stream, from its beginning.
   */
  constructor(length: number, open: () => ReadableStream<Uint8Array<ArrayBuffer>>) {
    super();
    this.#open = open;
    this.#length = length;
  }

  /**
   * Makes one of bytes: as bytes, `fetch` would send them again by itself.
   *
   * @param bytes The bytes.
   */
  static of(bytes: Uint8Array<ArrayBuffer>): SizedBody {
    return new SizedBody(bytes.length, () =>
      new ReadableStream({
        start(controller) {
          controller.enqueue(bytes);
          controller.close();
        },
      }));
  }

  /** Its length in bytes. */
  override get size(): number {
    return this.#length;
  }

  /** @returns The stream. */
  override stream(): ReadableStream<Uint8Array<ArrayBuffer>> {
    return this.#open();
  }
}
