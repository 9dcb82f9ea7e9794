/**
 * Makes the answer to a request of one in memory.
 */
import type { Bytes } from "../../dicomweb/bytes.ts";
import type { HeldAnswer } from "./answer_memory.ts";
import { isConditional, isNotModified } from "./representation.ts";

/** What a 304 has of the headers of the answer (RFC 9110, section 15.4.5). */
const OF_NOT_MODIFIED: ReadonlySet<string> = new Set([
  "cache-control",
  "content-location",
  "date",
  "etag",
  "expires",
  "last-modified",
  "vary",
]);

/** A response whose body is in memory. */
export class HeldResponse extends Response {
  /** The body, without the cost of a stream. */
  readonly content: Bytes | null;

  constructor(content: Bytes | null, init: ResponseInit) {
    super(null, init);
    this.content = content;
  }

  override bytes(): Promise<Bytes> {
    return Promise.resolve(this.content?.slice() ?? new Uint8Array(0));
  }

  override get body(): ReadableStream<Bytes> | null {
    const { content } = this;
    if (content === null) return null;
    return new ReadableStream({
      start(controller) {
        controller.enqueue(content);
        controller.close();
      },
    });
  }
}

/** @param asked The headers of the request, with conditions perhaps. */
export function heldResponse({ headers, bytes }: HeldAnswer, asked: Headers): HeldResponse {
  const list = headers.map(([name, value]): [string, string] => [name, value]);
  if (!isConditional(asked) || !isNotModified(asked, new Headers(list))) {
    return new HeldResponse(bytes, { status: 200, headers: list });
  }
  return new HeldResponse(null, {
    status: 304,
    headers: list.filter(([name]) => OF_NOT_MODIFIED.has(name)),
  });
}
