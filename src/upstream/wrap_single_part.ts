/**
 * Wraps a single-part response for a client that accepts only `multipart/related`.
 */
import { parseAccept } from "../dicomweb/media_type/media_type.ts";
import { newBoundary, writeMultipart } from "../dicomweb/multipart/multipart_writer.ts";
import { describeChangedBody } from "./changed_body.ts";

/** Whether a response is DICOM or pixel data, and the client accepts multipart, but not its type. */
export function needsWrapping(accept: string | null, response: Response): boolean {
  const type = response.headers.get("content-type") ?? "";
  if (response.status !== 200 || accept === null || !SINGLE_PART.test(type)) return false;
  const single = type.split(";")[0]!.trim().toLowerCase();
  const ranges = new Set(parseAccept(accept).map(({ essence }) => essence));
  const covering = ["*/*", single, `${single.split("/")[0]}/*`];
  return ranges.has("multipart/related") && !covering.some((range) => ranges.has(range));
}

const SINGLE_PART = /^\s*(application\/(dicom(?!\+)|octet-stream)|image\/)/i;

/** Makes a response the only part of a multipart one. */
export function wrapSinglePart(response: Response): Response {
  const headers = new Headers(response.headers);
  const type = headers.get("content-type") ?? "application/dicom";
  const part = new Headers({ "content-type": type });
  for (const name of ["content-length", "content-location"]) {
    const value = headers.get(name);
    if (value !== null) part.set(name, value);
    headers.delete(name);
  }
  describeChangedBody(headers);
  const boundary = newBoundary();
  const essence = type.split(";")[0]!.trim();
  headers.set("content-type", `multipart/related; type="${essence}"; boundary=${boundary}`);
  const body = writeMultipart(
    [{ headers: part, body: response.body ?? new Uint8Array() }],
    boundary,
  );
  return new Response(body, { status: 200, headers });
}
