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
import { MultipartError } from "../dicomweb/multipart/multipart_scanner.ts";
import type { MultipartPartInit } from "../dicomweb/multipart/multipart_writer.ts";
import { brokenAnswer, wholeAnswerBody } from "../dicomweb/completeness/whole_body.ts";
import { GatewayError } from "../errors/gateway_error.ts";

type Body = ReadableStream<Uint8Array<ArrayBuffer>>;

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
    throw noInstance(status === 200 ? "without a body" : String(status));
  }
  // Reading multipart includes a check for the closing delimiter.
  if (parseMediaType(type ?? "")?.essence.startsWith("multipart/")) {
    return await onlyPart(body, type, uid);
  }
  // The stated length is that before the runtime decoded the body.
  const length = headers.has("content-encoding") ? null : headers.get("content-length");
  return await instance(wholeAnswerBody(body, headers), { type, length, uid });
}

async function onlyPart(
  body: Body,
  type: string | null,
  uid: string,
): Promise<MultipartPartInit> {
  let parts: AsyncIterator<MultipartPart, void>;
  let first: IteratorResult<MultipartPart, void>;
  try {
    parts = readMultipart(body, boundaryOf(type));
    first = await parts.next();
  } catch (cause) {
    await body.cancel().catch(() => {});
    throw brokenMultipart(cause);
  }
  if (first.done) throw noInstance("as multipart without a part");
  const { headers, body: content } = first.value;
  const checked = checkedContent(content, headers.get("content-length"), {
    async end() {
      const next = await parts.next().catch((cause) => {
        throw brokenMultipart(cause);
      });
      if (!next.done) throw noInstance("as multipart with several parts");
    },
    async cancel() {
      await parts.return?.();
    },
  });
  return await instance(checked, {
    type: headers.get("content-type"),
    length: headers.get("content-length"),
    uid,
  });
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
    throw noInstance(isInstance ? "without a body" : "with something else than DICOM");
  }
  const headers = new Headers({ "content-type": type ?? "application/dicom" });
  if (length !== null) headers.set("content-length", length);
  return { headers, body: checkedContent(body, null, { uid }) };
}

/**
 * Fails at the end of an empty or truncated body, and as soon as the content identifies itself as another
 * instance. Content without a UID is believed.
 */
function checkedContent(
  content: Body,
  length: string | null,
  { uid, end, cancel }: {
    readonly uid?: string;
    readonly end?: () => Promise<void>;
    readonly cancel?: () => Promise<void>;
  },
): Body {
  const reader = content.getReader();
  const head = uid === undefined ? undefined : new InstanceHead();
  let bytes = 0;
  const isAnother = () => (head?.uids.sopInstanceUid ?? uid) !== uid;
  return new ReadableStream({
    async pull(controller) {
      const { done, value } = await reader.read().catch((cause) => {
        throw brokenMultipart(cause);
      });
      if (!done) {
        bytes += value.length;
        head?.push(value);
        if (!head?.isDone || !isAnother()) return controller.enqueue(value);
      }
      if (isAnother()) {
        const error = noInstance("with another one");
        await reader.cancel(error).catch(() => {});
        throw error;
      }
      if (bytes === 0) throw noInstance("without a body");
      if (length !== null && bytes !== Number(length)) {
        throw brokenAnswer(`a part has ${bytes} of ${length} bytes`);
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

function noInstance(how: string): GatewayError {
  return new GatewayError("NET-009", `Cannot fetch an instance: store answered ${how}`);
}

function brokenMultipart(cause: unknown): unknown {
  return cause instanceof MultipartError ? brokenAnswer(cause.message, { cause }) : cause;
}
