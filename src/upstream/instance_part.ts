/**
 * Makes a part of a multipart response from a store's response for one instance: the instance itself or,
 * by PS3.18 (section 10.4.3.3), a multipart body with it as the only part. Anything but the requested,
 * complete instance is an error.
 */
import { InstanceHead } from "../dicomweb/stow/dicom_uids.ts";
import { parseMediaType } from "../dicomweb/media_type/media_type.ts";
import {
  boundaryOf,
  type MultipartPart,
  readMultipart,
} from "../dicomweb/multipart/multipart_reader.ts";
import { partLength } from "../dicomweb/multipart/part_headers.ts";
import { MultipartError } from "../dicomweb/multipart/multipart_scanner.ts";
import type { MultipartPartInit } from "../dicomweb/multipart/multipart_writer.ts";
import { brokenAnswer, wholeAnswerBody } from "../dicomweb/completeness/whole_body.ts";
import { GatewayError } from "../errors/gateway_error.ts";

type Body = ReadableStream<Uint8Array<ArrayBuffer>>;

const AN_INSTANCE = "an instance";

/** Media types of an instance; some stores send none, or the generic one. */
const INSTANCE_TYPES: ReadonlySet<string> = new Set([
  "application/dicom",
  "application/octet-stream",
]);

/**
 * @param uid Its SOP Instance UID.
 * @returns The instance with its headers. Its body fails if it breaks off, is empty, is followed by
 * another part, or contains another instance.
 * @throws {GatewayError} NET-009 if the response is no instance, NET-002 if it breaks off before one
 * begins.
 */
export async function openInstance(response: Response, uid: string): Promise<MultipartPartInit> {
  const { status, headers, body } = response;
  const type = headers.get("content-type");
  if (status !== 200 || body === null) {
    await body?.cancel();
    throw unlike(AN_INSTANCE, status === 200 ? "without a body" : String(status));
  }
  // Reading multipart includes a check for the closing delimiter.
  if (parseMediaType(type ?? "")?.essence.startsWith("multipart/")) {
    const part = await openOnlyPart(response, AN_INSTANCE);
    const type = part.headers.get("content-type");
    return await instance(part.body, { type, length: part.headers.get("content-length"), uid });
  }
  // The stated length is that before the runtime decoded the body.
  const length = headers.has("content-encoding") ? null : headers.get("content-length");
  return await instance(wholeAnswerBody(body, headers), { type, length, uid });
}

/**
 * Opens a multipart response of one part.
 *
 * @param what What is fetched, for messages.
 * @returns The part. Its body fails if it breaks off, is empty or is followed by another part.
 * @throws {GatewayError} NET-009 without a part, NET-002 if the response breaks off before it begins.
 */
export async function openOnlyPart(
  response: Pick<Response, "headers" | "body">,
  what: string,
): Promise<MultipartPart> {
  const { body } = response;
  if (body === null) throw unlike(what, "without a body");
  let parts: AsyncIterator<MultipartPart, void>;
  let first: IteratorResult<MultipartPart, void>;
  try {
    parts = readMultipart(body, boundaryOf(response.headers.get("content-type")));
    first = await parts.next();
  } catch (cause) {
    await body.cancel().catch(() => {});
    throw brokenMultipart(cause);
  }
  if (first.done) throw unlike(what, "as multipart without a part");
  const { headers, body: content } = first.value;
  const checked = checkedContent(content, partLength(headers), {
    what,
    async end() {
      const next = await parts.next().catch((cause) => {
        throw brokenMultipart(cause);
      });
      if (next.done) return;
      await parts.return?.();
      throw unlike(what, "as multipart with several parts");
    },
    async cancel() {
      await parts.return?.();
    },
  });
  return { headers, body: checked };
}

async function instance(
  body: Body,
  { type, length, uid }: {
    readonly type: string | null;
    readonly length: string | null;
    readonly uid: string;
  },
): Promise<MultipartPartInit> {
  const isInstance = type === null || INSTANCE_TYPES.has(parseMediaType(type)?.essence ?? "");
  if (!isInstance || length === "0") {
    await body.cancel();
    throw unlike(AN_INSTANCE, isInstance ? "without a body" : "with something else than DICOM");
  }
  const headers = new Headers({ "content-type": type ?? "application/dicom" });
  if (length !== null) headers.set("content-length", length);
  return { headers, body: checkedContent(body, undefined, { what: AN_INSTANCE, uid }) };
}

/**
 * Fails at the end of an empty or truncated body, and as soon as the content identifies itself as another
 * instance. Content without a UID is believed.
 */
function checkedContent(
  content: Body,
  length: number | undefined,
  { what, uid, end, cancel }: {
    readonly what: string;
    readonly uid?: string;
    readonly end?: () => Promise<void>;
    readonly cancel?: () => Promise<void>;
  },
): Body {
  const reader = content.getReader();
  const head = uid === undefined ? undefined : new InstanceHead();
  let bytes = 0;
  const lengthError = (bytes: number) => {
    if (bytes === 0 && length !== 0) return unlike(what, "without a body");
    if (length === undefined || bytes === length) return undefined;
    return brokenAnswer(`a part has ${bytes} of ${length} bytes`);
  };
  const isAnother = () => (head?.uids.sopInstanceUid ?? uid) !== uid;
  return new ReadableStream({
    async pull(controller) {
      const { done, value } = await reader.read().catch((cause) => {
        throw brokenMultipart(cause);
      });
      if (!done) {
        bytes += value.length;
        head?.push(value);
        // A client would take the stated length for the whole.
        const isWithin = length === undefined || bytes <= length;
        if (isWithin && (!head?.isDone || !isAnother())) return controller.enqueue(value);
      }
      const error = isAnother() ? unlike(what, "with another one") : lengthError(bytes);
      if (error !== undefined) {
        await reader.cancel(error).catch(() => {});
        await cancel?.();
        throw error;
      }
      await end?.();
      controller.close();
    },
    async cancel(reason) {
      await reader.cancel(reason);
      await cancel?.();
    },
  }, { highWaterMark: 0 });
}

function unlike(what: string, how: string): GatewayError {
  return new GatewayError("NET-009", `Cannot fetch ${what}: store answered ${how}`);
}

function brokenMultipart(cause: unknown): unknown {
  return cause instanceof MultipartError ? brokenAnswer(cause.message, { cause }) : cause;
}
