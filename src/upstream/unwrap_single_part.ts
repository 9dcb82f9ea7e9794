/**
 * Unwraps a multipart response of one part for a client that accepts only the part's media type.
 */
import { isAcceptable } from "../dicomweb/media_type/acceptable.ts";
import { parseMediaType } from "../dicomweb/media_type/media_type.ts";
import { partLength } from "../dicomweb/multipart/part_headers.ts";
import { isOfOnePart, type Transaction } from "../dicomweb/transaction/transaction.ts";
import { describeChangedBody } from "./changed_body.ts";
import { openOnlyPart } from "./instance_part.ts";

const OF_THE_PART = ["content-type", "content-location", "content-encoding"];
/** All bulk data of an instance, not one value. */
const ALL_BULK_DATA = /\/bulk(?:data)?\/*(?:\?|$)/;

/** Whether a response is multipart of one part, and the client accepts the part, but not multipart. */
export function needsUnwrapping(
  accept: string | null,
  { transaction, target }: { readonly transaction: Transaction; readonly target: string },
  { status, headers, body }: Response,
): boolean {
  if (status !== 200 || body === null || accept === null) return false;
  if (!isOfOnePart(transaction) || ALL_BULK_DATA.test(target)) return false;
  const type = parseMediaType(headers.get("content-type") ?? "");
  if (type?.essence !== "multipart/related") return false;
  // Orthanc adds the transfer syntax to it.
  const part = type.parameters.get("type")?.split(";", 1).join().trim().toLowerCase();
  return part !== undefined && isAcceptable(accept, part) &&
    !isAcceptable(accept, `multipart/related; type="${part}"`);
}

/**
 * Makes the only part of a response the response. Its body fails if another part follows.
 *
 * @throws {GatewayError} NET-009 if there is no part, NET-002 if the response breaks off before it.
 */
export async function unwrapSinglePart(response: Response): Promise<Response> {
  const headers = new Headers(response.headers);
  const part = await openOnlyPart(response, "a single part");
  describeChangedBody(headers);
  for (const name of OF_THE_PART) {
    const value = part.headers.get(name);
    if (value === null) headers.delete(name);
    else headers.set(name, value);
  }
  const length = partLength(part.headers);
  if (length !== undefined) headers.set("content-length", String(length));
  return new Response(part.body, { status: 200, headers });
}
