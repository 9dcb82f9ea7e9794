/**
 * Puts a store's answer to storing so that clients understand it: in JSON, with a status that is
 * true of it, and with instances that were there already as stored where that is wanted. What is no
 * such answer, and what needs no change, goes on as it came, byte for byte.
 *
 * @module
 */
import { parseAccept } from "../dicomweb/media_type.ts";
import { acceptDuplicates, trueStatus } from "../dicomweb/stow_merge.ts";
import { readStowAnswer, type StowReport, writeStowReport } from "../dicomweb/stow_response.ts";
import { readingFailure } from "../dicomweb/whole_body.ts";
import { readBounded } from "./bounded_body.ts";

/** How to put an answer. */
export interface StoreAnswerRules {
  /** Turn XML into JSON, and put a status right that contradicts the items. */
  readonly asJson: boolean;
  /** Failure reasons that mean “already stored” and count as success. */
  readonly duplicateReasons: readonly number[];
  /** The client's `Accept`: who asked for XML gets the store's own words. */
  readonly accept?: string | null;
}

/** An answer names each instance in about 400 bytes; longer ones go on as they came. */
export const MAX_ANSWER_BYTES: number = 16 * 1024 * 1024;

/** Media types that an answer to storing may bear, rightly or wrongly. */
const MAY_BE_REPORT = /json|xml|^text\/plain|^application\/octet-stream/;
/** What is said of a body that is another one then. */
const OF_THE_BODY = ["content-length", "content-encoding", "content-md5", "digest", "etag"];

/**
 * Puts an answer to storing.
 *
 * @param response The store's answer.
 * @param rules How.
 * @returns The answer for the client.
 * @throws What the store's body fails with.
 */
export async function normaliseStowAnswer(
  response: Response,
  rules: StoreAnswerRules,
): Promise<Response> {
  const { body, status, headers } = response;
  const contentType = headers.get("content-type");
  const isWanted = rules.asJson || rules.duplicateReasons.length > 0;
  if (!isWanted || body === null || !MAY_BE_REPORT.test(contentType?.toLowerCase() ?? "json")) {
    return response;
  }
  const held = await readBounded(body, MAX_ANSWER_BYTES).catch((cause) => {
    throw readingFailure(cause);
  });
  const asItCame = () => new Response(held, { status, headers });
  if (held instanceof ReadableStream) return asItCame();
  const answer = readStowAnswer(new TextDecoder().decode(held), contentType);
  if (answer.kind !== "report") return asItCame();
  if (answer.format === "xml" && (!rules.asJson || prefersXml(rules.accept))) return asItCame();
  const report = acceptDuplicates(answer.report, rules.duplicateReasons);
  const newStatus = statusFor(report, report !== answer.report, status, rules);
  if (report === answer.report && answer.format === "json" && newStatus === status) {
    return asItCame();
  }
  const newHeaders = new Headers(headers);
  for (const name of OF_THE_BODY) newHeaders.delete(name);
  newHeaders.set("content-type", "application/dicom+json");
  return new Response(writeStowReport(report), { status: newStatus, headers: newHeaders });
}

/** The store's own status, unless the items say otherwise. */
function statusFor(
  report: StowReport,
  isChanged: boolean,
  status: number,
  { asJson, duplicateReasons }: StoreAnswerRules,
): number {
  const isSuccess = status >= 200 && status < 300;
  if (!isSuccess && status !== 409 || !isChanged && !asJson) return status;
  const failures = report.failed.length + report.otherFailures.length;
  if (isSuccess && failures === 0 && !isChanged) return status;
  return trueStatus(report, status, duplicateReasons);
}

function prefersXml(accept: string | null | undefined): boolean {
  const [first] = parseAccept(accept);
  return first !== undefined && first.essence.endsWith("xml");
}
