/**
 * Reads a store's STOW response into memory. It rejects a truncated one: half a report would look as if
 * the other instances had failed.
 */
import type { ContentEnd } from "../dicomweb/completeness/content_end.ts";
import { JsonEnd } from "../dicomweb/completeness/json_end.ts";
import { readStowAnswer, type StowAnswer } from "../dicomweb/stow/stow_response.ts";
import { brokenAnswer, wholeAnswerBody } from "../dicomweb/completeness/whole_body.ts";
import { XmlEnd } from "../dicomweb/completeness/xml_end.ts";
import { readBounded } from "../network/bounded_body.ts";

/** An item of a report has 400 to 1,000 bytes; Azure adds why an instance failed. */
const BYTES_PER_INSTANCE = 2048;
const BYTES_BESIDE = 1024 * 1024;
/** If the number of instances is unknown. */
const BYTES_OF_UNKNOWN = 16 * 1024 * 1024;
/** 65,000 instances do not reach it. */
const MAX_BYTES = 128 * 1024 * 1024;

/** Stores mislabel XML as JSON and vice versa: the content is checked once it is in memory. */
const ANY_END: ContentEnd = { name: "its end", isReached: true, push: () => {} };

type Body = ReadableStream<Uint8Array<ArrayBuffer>>;

export interface ReadAnswer {
  /** The body; null if it is empty, as some statuses require. */
  readonly bytes: Uint8Array<ArrayBuffer> | null;
  readonly answer: StowAnswer;
}

/**
 * Longest acceptable STOW response, in bytes.
 *
 * @param instances How many were sent, if known.
 */
export function maxAnswerBytes(instances: number | undefined): number {
  return instances === undefined
    ? BYTES_OF_UNKNOWN
    : Math.min(BYTES_BESIDE + instances * BYTES_PER_INSTANCE, MAX_BYTES);
}

/**
 * @param maxBytes Called repeatedly while reading, as more instances may have been sent meanwhile.
 * @returns The response; if it is longer, its body as a stream.
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

/** Whether the text begins as a report but is incomplete. */
function isCut(text: string, bytes: Uint8Array<ArrayBuffer>): boolean {
  const start = text.slice(0, 1024).trimStart();
  const isXml = start.includes("<NativeDicomModel");
  if (!isXml && !/^[[{]/.test(start)) return false;
  const end = isXml ? new XmlEnd() : new JsonEnd();
  end.push(bytes);
  return !end.isReached;
}
