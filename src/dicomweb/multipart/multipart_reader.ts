/**
 * Reads a multipart body as a sequence of parts, each with its headers and a stream of its content,
 * without read-ahead. A body that breaks off is an error, in the part's stream and in the sequence.
 */
import type { Bytes, ByteStream } from "../bytes.ts";
import { parseMediaType } from "../media_type/media_type.ts";
import { MultipartError, type MultipartEvent, MultipartScanner } from "./multipart_scanner.ts";

export interface MultipartPart {
  readonly headers: Headers;
  /** Readable until the next part is requested. */
  readonly body: ByteStream;
}

/**
 * Reads the parts of a multipart body; skips what is left unread of a part when the next is
 * requested. Preamble and epilogue are ignored.
 *
 * @throws {MultipartError} If the body is malformed or ends before its closing delimiter.
 * @throws What the body itself fails with.
 */
export async function* readMultipart(
  body: ByteStream,
  boundary: string,
): AsyncGenerator<MultipartPart, void, void> {
  const scanner = new MultipartScanner(boundary);
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
    // Cancels what the consumer left unread; after an error there is nothing to cancel.
    await reader.cancel().catch(() => {});
  }
}

/**
 * The boundary in a `Content-Type`.
 *
 * @throws {MultipartError} If the type is not multipart or has no boundary.
 */
export function boundaryOf(contentType: string | null): string {
  const type = parseMediaType(contentType ?? "");
  if (!type?.essence.startsWith("multipart/")) {
    throw new MultipartError("Cannot read multipart body: its media type is not multipart");
  }
  const boundary = type.parameters.get("boundary");
  if (!boundary) {
    throw new MultipartError("Cannot read multipart body: its media type names no boundary");
  }
  return boundary;
}

/** The content of the current part. */
class PartContent {
  readonly stream: ByteStream;
  readonly #nextEvent: () => Promise<MultipartEvent>;
  /** Serializes the reads of the consumer and of `skip`. */
  #reading: Promise<Bytes | undefined> = Promise.resolve(undefined);
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

  /** Reads to the end of the part. */
  async skip(): Promise<void> {
    while (await this.#read() !== undefined) this.#lost = true;
  }

  #read(): Promise<Bytes | undefined> {
    return this.#reading = this.#reading.then(async () => {
      if (this.#ended) return undefined;
      const event = await this.#nextEvent();
      if (event.kind === "data") return event.bytes;
      this.#ended = true;
      return undefined;
    });
  }
}
