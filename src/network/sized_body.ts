/**
 * A stream of known length, for `fetch`, which sends a plain stream in chunks, whatever `Content-Length`
 * says, but a `Blob` with its size. Some stores reject chunks.
 */

export class SizedBody extends Blob {
  readonly #open: () => ReadableStream<Uint8Array<ArrayBuffer>>;
  readonly #length: number;

  /**
   * @param length Bytes of the stream. Fewer fail the request; more are cut off.
   * @param open Opens the stream, from its beginning.
   */
  constructor(length: number, open: () => ReadableStream<Uint8Array<ArrayBuffer>>) {
    super();
    this.#open = open;
    this.#length = length;
  }

  /** Wraps bytes, which `fetch` would repeat by itself if it got them as such. */
  static of(bytes: Uint8Array<ArrayBuffer>): SizedBody {
    return new SizedBody(bytes.length, () =>
      new ReadableStream({
        start(controller) {
          controller.enqueue(bytes);
          controller.close();
        },
      }));
  }

  override get size(): number {
    return this.#length;
  }

  override stream(): ReadableStream<Uint8Array<ArrayBuffer>> {
    return this.#open();
  }
}
