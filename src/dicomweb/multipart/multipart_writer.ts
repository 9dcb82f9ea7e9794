/**
 * Writes parts as a multipart body (RFC 2046, section 5.1.1), pulling from each part's stream only
 * as fast as the reader takes it. A part that fails makes the body fail, so that no one takes
 * what there is of it for the whole.
 *
 * @module
 */
import { encodeLatin1 } from "../latin1.ts";

/** A part to write. */
export interface MultipartPartInit {
  /** The part's headers. */
  readonly headers: HeadersInit;
  /** The part's content. */
  readonly body: ReadableStream<Uint8Array<ArrayBuffer>> | Uint8Array<ArrayBuffer>;
}

/**
 * Writes a multipart body. Part headers are written the way MIME spells them (`Content-Type`):
 * names are case-insensitive, but not every reader knows.
 *
 * @param parts The parts, in their order; the next is asked for when the one before is written.
 * @param boundary A boundary that occurs in no part, as {@linkcode newBoundary} gives it.
 *
 * @example
 * ```ts
 * import { writeMultipart } from "./multipart_writer.ts";
 * import assert from "node:assert/strict";
 *
 * const part = { headers: { "Content-Type": "text/plain" }, body: new TextEncoder().encode("hello") };
 * assert.equal(
 *   await new Response(writeMultipart([part], "b")).text(),
 *   "--b\r\nContent-Type: text/plain\r\n\r\nhello\r\n--b--\r\n",
 * );
 * ```
 */
export function writeMultipart(
  parts: Iterable<MultipartPartInit> | AsyncIterable<MultipartPartInit>,
  boundary: string,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const iterator = Symbol.asyncIterator in parts
    ? parts[Symbol.asyncIterator]()
    : parts[Symbol.iterator]();
  let content: ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>> | undefined;
  let lineEnd = "";
  return new ReadableStream({
    async pull(controller) {
      try {
        const chunk = await content?.read();
        if (chunk?.done === false) return controller.enqueue(chunk.value);
        content = undefined;
        const { done, value: part } = await iterator.next();
        if (done) {
          controller.enqueue(encodeLatin1(`${lineEnd}--${boundary}--\r\n`));
          return controller.close();
        }
        controller.enqueue(
          encodeLatin1(`${lineEnd}--${boundary}\r\n${headerBlock(part.headers)}\r\n`),
        );
        lineEnd = "\r\n";
        if (part.body instanceof ReadableStream) content = part.body.getReader();
        else if (part.body.length > 0) controller.enqueue(part.body);
      } catch (error) {
        controller.error(error);
        // Tells the source of the parts that no further part is wanted.
        await iterator.return?.();
      }
    },
    async cancel(reason) {
      await content?.cancel(reason);
      await iterator.return?.();
    },
  }, { highWaterMark: 0 });
}

/**
 * A boundary that no content can be made to contain: it is random.
 *
 * @returns The boundary, a token that needs no quotes.
 */
export function newBoundary(): string {
  return `dicomweb-${crypto.randomUUID()}`;
}

function headerBlock(init: HeadersInit): string {
  return [...new Headers(init)].map(([name, value]) =>
    `${name.replace(/(?<=^|-)[a-z]/g, (letter) => letter.toUpperCase())}: ${value}\r\n`
  ).join("");
}
