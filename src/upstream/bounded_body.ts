/**
 * Reads an answer's body into memory up to a bound, and loses nothing of one that is longer.
 *
 * @module
 */

/**
 * Reads a body.
 *
 * @param body The body.
 * @param maxBytes How long it may be; a function where that is known only in the course of reading.
 * @returns The bytes; the whole body as a stream again where it is longer.
 * @throws What the body fails with.
 */
export async function readBounded(
  body: ReadableStream<Uint8Array<ArrayBuffer>> | null,
  maxBytes: number | (() => number),
): Promise<Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array<ArrayBuffer>>> {
  const bound = typeof maxBytes === "number" ? () => maxBytes : maxBytes;
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  let length = 0;
  const reader = body?.getReader();
  for (let next = await reader?.read(); next?.done === false; next = await reader?.read()) {
    chunks.push(next.value);
    length += next.value.length;
    if (length > bound()) return joined(chunks, reader!);
  }
  return await new Blob(chunks).bytes() as Uint8Array<ArrayBuffer>;
}

function joined(
  chunks: Uint8Array<ArrayBuffer>[],
  reader: ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>>,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  return new ReadableStream({
    async pull(controller) {
      const held = chunks.shift();
      if (held !== undefined) return controller.enqueue(held);
      const { done, value } = await reader.read();
      if (done) controller.close();
      else controller.enqueue(value);
    },
    cancel: (reason) => reader.cancel(reason),
  }, { highWaterMark: 0 });
}
