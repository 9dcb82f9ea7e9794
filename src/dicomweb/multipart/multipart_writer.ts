/**
 * Writes a multipart body (RFC 2046, section 5.1.1), reading each part's stream only as fast as the
 * body is read. The body fails if a part fails, so that it cannot be mistaken for a complete one.
 */
import type { Bytes, ByteStream } from "../bytes.ts";
import { encodeLatin1 } from "../latin1.ts";

export interface MultipartPartInit {
  readonly headers: HeadersInit;
  readonly body: ByteStream | Bytes;
}

/**
 * Writes a multipart body, with header names as MIME spells them (`Content-Type`): they are
 * case-insensitive, but not every reader complies.
 *
 * @param parts Each is requested when the one before is written.
 * @param boundary Must not occur in any part ({@linkcode newBoundary}).
 */
export function writeMultipart(
  parts: Iterable<MultipartPartInit> | AsyncIterable<MultipartPartInit>,
  boundary: string,
): ByteStream {
  const iterator = Symbol.asyncIterator in parts
    ? parts[Symbol.asyncIterator]()
    : parts[Symbol.iterator]();
  let content: ReadableStreamDefaultReader<Bytes> | undefined;
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
        // Signals the source of the parts that no further part is read.
        await iterator.return?.();
      }
    },
    async cancel(reason) {
      await content?.cancel(reason);
      await iterator.return?.();
    },
  }, { highWaterMark: 0 });
}

/** A random boundary, which no content can be made to contain, and a token that needs no quotes. */
export function newBoundary(): string {
  return `dicomweb-${crypto.randomUUID()}`;
}

function headerBlock(init: HeadersInit): string {
  return [...new Headers(init)].map(([name, value]) =>
    `${name.replace(/(?<=^|-)[a-z]/g, (letter) => letter.toUpperCase())}: ${value}\r\n`
  ).join("");
}
