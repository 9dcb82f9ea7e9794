/**
 * Reads a multipart body as a sequence of parts, each with its headers and a stream of its content.
 * Nothing is read ahead and nothing is held: what one part's reader does not take stays where it
 * comes from. A body that breaks off is an error, in the part's stream as in the sequence.
 *
 * @module
 */
import { parseMediaType } from "../media_type/media_type.ts";
import {
  MultipartError,
  type MultipartEvent,
  MultipartScanner,
  type MultipartScannerOptions,
} from "./multipart_scanner.ts";

/** One part of a multipart body. */
export interface MultipartPart {
  /** The part's own headers. */
  readonly headers: Headers;
  /** The part's content; it can be read until the next part is asked for. */
  readonly body: ReadableStream<Uint8Array<ArrayBuffer>>;
}

/**
 * Reads the parts of a multipart body one after the other. What is left unread of a part's body
 * is skipped when the next part is asked for. Preamble and epilogue are ignored.
 *
 * @param boundary Its boundary, as {@linkcode boundaryOf} gives it.
 * @throws {MultipartError} When the body is broken or ends before its closing boundary.
 * @throws What the body itself fails with.
 *
 * @example
 * ```ts
 * import { readMultipart } from "./multipart_reader.ts";
 * import assert from "node:assert/strict";
 *
 * const body = new Response("--b\r\nContent-Type: text/plain\r\n\r\nhello\r\n--b--").body!;
 * for await (const part of readMultipart(body, "b")) {
 *   assert.equal(part.headers.get("content-type"), "text/plain");
 *   assert.equal(await new Response(part.body).text(), "hello");
 * }
 * ```
 */
export async function* readMultipart(
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
  boundary: string,
  options: MultipartScannerOptions = {},
): AsyncGenerator<MultipartPart, void, void> {
  const scanner = new MultipartScanner(boundary, options);
  const reader = body.getReader();
  const nextEvent = async (): Promise<MultipartEvent> => {
    for (;;) {
      const event = scanner.next();
      if (event.kind !== "need") return event;
      const { done, value } = await reader.read();
      if (done) scanner.finish();
      else scanner.push(value);
    }
  };
  try {
    for (let event = await nextEvent(); event.kind === "headers"; event = await nextEvent()) {
      const content = new PartContent(nextEvent);
      yield { headers: event.headers, body: content.stream };
      // The consumer may leave a part unread: the next begins after it.
      await content.skip();
    }
  } finally {
    // Ends what the consumer left unread; after an error there is nothing to end.
    await reader.cancel().catch(() => {});
  }
}

/**
 * The boundary that a `Content-Type` names.
 *
 * @param contentType The header's value, or nothing where it is missing.
 * @returns The boundary, without quotes.
 * @throws {MultipartError} When the type is not multipart or names no boundary.
 *
 * @example
 * ```ts
 * import { boundaryOf } from "./multipart_reader.ts";
 * import assert from "node:assert/strict";
 *
 * assert.equal(boundaryOf('multipart/related; type="application/dicom"; boundary="a b"'), "a b");
 * ```
 */
export function boundaryOf(contentType: string | null): string {
  const type = contentType === null ? undefined : parseMediaType(contentType);
  if (!type?.essence.startsWith("multipart/")) {
    throw new MultipartError("Cannot read multipart body: its media type is not multipart");
  }
  const boundary = type.parameters.get("boundary");
  if (!boundary) {
    throw new MultipartError("Cannot read multipart body: its media type names no boundary");
  }
  return boundary;
}

/** The content of the part that the scanner is in. */
class PartContent {
  readonly stream: ReadableStream<Uint8Array<ArrayBuffer>>;
  readonly #nextEvent: () => Promise<MultipartEvent>;
  /** The read under way: the consumer's and a skip's must not mix. */
  #reading: Promise<Uint8Array<ArrayBuffer> | undefined> = Promise.resolve(undefined);
  #ended = false;
  #lost = false;

  constructor(nextEvent: () => Promise<MultipartEvent>) {
    this.#nextEvent = nextEvent;
    this.stream = new ReadableStream({
      pull: async (controller) => {
        const bytes = await this.#read();
        if (bytes !== undefined) controller.enqueue(bytes);
        else if (this.#lost) controller.error(new TypeError("Cannot read a part that was skipped"));
        else controller.close();
      },
    }, { highWaterMark: 0 });
  }

  /** Goes to the part's end, whatever of it was read. */
  async skip(): Promise<void> {
    while (await this.#read() !== undefined) this.#lost = true;
  }

  #read(): Promise<Uint8Array<ArrayBuffer> | undefined> {
    return this.#reading = this.#reading.then(async () => {
      if (this.#ended) return undefined;
      const event = await this.#nextEvent();
      if (event.kind === "data") return event.bytes;
      this.#ended = true;
      return undefined;
    });
  }
}
