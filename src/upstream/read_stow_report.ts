/**
 * Reads a store's answer to storing into memory. It refuses one that broke off: half a report would tell
 * of some instances as if the others had failed.
 *
 * @module
 */
import type { ContentEnd } from "../dicomweb/completeness/content_end.ts";
import { JsonEnd } from "../dicomweb/completeness/json_end.ts";
import { readStowAnswer, type StowAnswer } from "../dicomweb/stow/stow_response.ts";
import { brokenAnswer, wholeAnswerBody } from "../dicomweb/completeness/whole_body.ts";
import { XmlEnd } from "../dicomweb/completeness/xml_end.ts";
import { readBounded } from "../network/bounded_body.ts";

/** An answer names each instance in 400 to 1,000 bytes; Azure adds why one failed. */
const BYTES_PER_INSTANCE = 2048;
const BYTES_BESIDE = 1024 * 1024;
/** Where the number of instances is not known; and the most, which 65,000 instances do not reach. */
const BYTES_OF_UNKNOWN = 16 * 1024 * 1024;
const MAX_BYTES = 128 * 1024 * 1024;

/** Stores mislabel XML as JSON and the reverse: the content is looked at when it is there. */
const ANY_END: ContentEnd = { name: "its end", isReached: true, push: () => {} };

/** A body on its way. */
type Body = ReadableStream<Uint8Array<ArrayBuffer>>;

/** An answer in memory. */
export interface ReadAnswer {
  /** The body as it came; null where it is empty, as some statuses must have none. */
  readonly bytes: Uint8Array<ArrayBuffer> | null;
  readonly answer: StowAnswer;
}

/**
 * How long an answer to storing may be.
 *
 * @param instances How many instances were sent; undefined where that is not known.
 * @returns Bytes.
 */
export function maxAnswerBytes(instances: number | undefined): number {
  return instances === undefined
    ? BYTES_OF_UNKNOWN
    : Math.min(BYTES_BESIDE + instances * BYTES_PER_INSTANCE, MAX_BYTES);
}

/**
 * Reads an answer.
 *
 * @param response The store's answer, its body not read.
 * @param maxBytes How long it may be; asked anew while it is read, as more may have been sent meanwhile.
 * @returns The answer; the whole body as a stream again where it is longer.
 * @throws {GatewayError} NET-002 when it breaks off.
 */
export async function readStowReport(
  { body, headers }: Response,
  maxBytes: () => number,
): Promise<ReadAnswer | Body> {
  const held = await readBounded(body && wholeAnswerBody(body, headers, ANY_END), maxBytes);
  if (held instanceof ReadableStream) return held;
  const text = new TextDecoder().decode(held);
  const answer = readStowAnswer(text, headers.get("content-type"));
  if (answer.kind === "other" && isCut(text, held)) {
    throw brokenAnswer("it ended in the middle of its report");
  }
  return { bytes: held.length > 0 ? held : null, answer };
}

/** Whether the text begins as a report does and does not come to its end. */
function isCut(text: string, bytes: Uint8Array<ArrayBuffer>): boolean {
  const start = text.slice(0, 1024).trimStart();
  const isXml = start.includes("<NativeDicomModel");
  if (!isXml && !/^[[{]/.test(start)) return false;
  const end = isXml ? new XmlEnd() : new JsonEnd();
  end.push(bytes);
  return !end.isReached;
}
