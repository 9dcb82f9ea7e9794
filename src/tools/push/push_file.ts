/**
 * One file of a push: its instance, and its bytes as a stream that fails if the file has changed.
 */
import { InstanceHead } from "../../dicomweb/stow/dicom_uids.ts";
import { fileFault } from "./folder_files.ts";

/** A file that contains an instance. */
export interface PushFile {
  /** Path relative to the folder. */
  readonly path: string;
  readonly absolutePath: string;
  readonly size: number;
  readonly modifiedAtMs: number;
  readonly sopInstanceUid: string;
}

const CHUNK_BYTES = 64 * 1024;
/** Media Storage Directory Storage (PS3.6): the table of contents of a medium, which is no image. */
const DICOMDIR = "1.2.840.10008.1.3.10";

/**
 * Reads the SOP Instance UID of a file, or the reason why it contains no instance to send.
 *
 * @throws When it cannot be read.
 */
export async function instanceOf(
  path: string,
): Promise<{ readonly sopInstanceUid: string } | { readonly skipped: string }> {
  using file = await Deno.open(path);
  const head = new InstanceHead();
  let isEmpty = true;
  while (!head.isDone) {
    const chunk = new Uint8Array(4 * 1024);
    const length = await file.read(chunk);
    if (length === null) break;
    isEmpty = false;
    head.push(chunk.subarray(0, length));
  }
  const { sopClassUid, sopInstanceUid } = head.uids;
  if (isEmpty) return { skipped: "the file is empty" };
  if (sopClassUid === DICOMDIR) return { skipped: "a DICOMDIR, not an image" };
  if (sopInstanceUid === undefined) return { skipped: "not a DICOM file" };
  return { sopInstanceUid };
}

/**
 * The bytes of a file. The stream fails if the file cannot be read or its size has changed.
 *
 * @param onFault Receives the reason before the stream fails.
 */
export function contentOf(
  file: PushFile,
  onFault: (reason: string) => void,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  let handle: Deno.FsFile | undefined;
  let left = file.size;
  const close = () => {
    handle?.close();
    handle = undefined;
  };
  const fail = (controller: ReadableStreamDefaultController, reason: string) => {
    close();
    onFault(reason);
    controller.error(new Error(reason));
  };
  return new ReadableStream({
    async pull(controller) {
      try {
        handle ??= await Deno.open(file.absolutePath);
        const chunk = new Uint8Array(CHUNK_BYTES);
        const length = await handle.read(chunk);
        left -= length ?? 0;
        if (left < 0 || (length === null && left > 0)) {
          return fail(controller, "changed while it was read");
        }
        if (length !== null) return controller.enqueue(chunk.subarray(0, length));
        close();
        controller.close();
      } catch (error) {
        fail(controller, `cannot be read: ${fileFault(error)}`);
      }
    },
    cancel: close,
  }, { highWaterMark: 0 });
}

/** @throws When one of the files cannot be read. */
export async function haveSameContent(one: PushFile, other: PushFile): Promise<boolean> {
  if (one.size !== other.size) return false;
  using first = await Deno.open(one.absolutePath);
  using second = await Deno.open(other.absolutePath);
  for (;;) {
    const [a, b] = [await readBlock(first, CHUNK_BYTES), await readBlock(second, CHUNK_BYTES)];
    if (a.length !== b.length || !a.every((byte, index) => byte === b[index])) return false;
    if (a.length === 0) return true;
  }
}

/** Reads the next bytes of a file: so many as there are, where a single read may return fewer. */
export async function readBlock(file: Deno.FsFile, maxBytes: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(maxBytes);
  let length = 0;
  while (length < bytes.length) {
    const read = await file.read(bytes.subarray(length));
    if (read === null) break;
    length += read;
  }
  return bytes.subarray(0, length);
}
