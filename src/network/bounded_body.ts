/**
 * Reads bodies into memory up to a bound.
 */

type Body = ReadableStream<Uint8Array<ArrayBuffer>>;

/**
 * @param maxBytes A function if the bound changes in the course of reading.
 * @returns The bytes; if the body is longer, all of it as a stream.
 * @throws What the body fails with.
 */
export async function readBounded(
  body: Body | null,
  maxBytes: number | (() => number),
): Promise<Uint8Array<ArrayBuffer> | Body> {
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  const reader = body?.getReader();
  const isWhole = reader === undefined || await gather(reader, chunks, maxBytes);
  if (!isWhole) return resumed(chunks, reader);
  return await new Blob(chunks).bytes() as Uint8Array<ArrayBuffer>;
}

/**
 * @param type The `Content-Type`, whose `charset` counts if it is known; else the text is UTF-8.
 * @returns `undefined` for a longer body, which is cancelled.
 * @throws What the body fails with.
 */
export async function readText(
  body: Body | null,
  maxBytes: number,
  type = "",
): Promise<string | undefined> {
  const held = await readBounded(body, maxBytes);
  if (!(held instanceof ReadableStream)) return decoderFor(type).decode(held);
  void held.cancel().catch(() => {});
  return undefined;
}

function decoderFor(type: string): TextDecoder {
  const charset = /;\s*charset="?([\w-]+)/i.exec(type)?.[1];
  try {
    return new TextDecoder(charset);
  } catch {
    return new TextDecoder();
  }
}

/**
 * Reads the beginning of a body as text, also of one that is longer, which is cancelled, or breaks off.
 *
 * @param maxBytes Once more than this has been read, reading ends.
 */
export async function readStart(body: Body | null, maxBytes: number): Promise<string> {
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  const reader = body?.getReader();
  if (reader !== undefined) await gather(reader, chunks, maxBytes).catch(() => {});
  // Not awaited: of a copied body, both copies must have been cancelled.
  void reader?.cancel().catch(() => {});
  return new TextDecoder().decode(await new Blob(chunks).bytes());
}

/** @returns Whether the chunks are the whole body. */
async function gather(
  reader: ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>>,
  chunks: Uint8Array<ArrayBuffer>[],
  maxBytes: number | (() => number),
): Promise<boolean> {
  const bound = typeof maxBytes === "number" ? () => maxBytes : maxBytes;
  let length = 0;
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    chunks.push(next.value);
    length += next.value.length;
    if (length > bound()) return false;
  }
  return true;
}

/** A body of which some chunks have been read. */
export function resumed(
  chunks: Uint8Array<ArrayBuffer>[],
  reader: ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>>,
  cancel = (reason: unknown): Promise<void> | void => reader.cancel(reason),
): Body {
  return new ReadableStream({
    async pull(controller) {
      const held = chunks.shift();
      if (held !== undefined) return controller.enqueue(held);
      const { done, value } = await reader.read();
      if (done) controller.close();
      else controller.enqueue(value);
    },
    cancel,
  }, { highWaterMark: 0 });
}
