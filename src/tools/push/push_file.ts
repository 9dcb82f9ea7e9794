/**
 * One file of a push: which instance it holds, and its bytes as a stream that fails where the file
 * is not what it was.
 *
 * @module
 */
import { InstanceHead } from "../../dicomweb/stow/dicom_uids.ts";
import { fileFault } from "./folder_files.ts";

/** A file that holds an instance. */
export interface PushFile {
  /** Path relative to the folder. */
  readonly path: string;
  /** Where it is read. */
  readonly absolutePath: string;
  readonly size: number;
  readonly modifiedAtMs: number;
  readonly sopInstanceUid: string;
}

/** A file that could not be read to its end while it was sent. */
export class PushFileError extends Error {
  /** Tells it from other errors. */
  override readonly name: string = "PushFileError";
  /** The file. */
  readonly file: PushFile;

  constructor(file: PushFile, message: string) {
    super(message);
    this.file = file;
  }
}

const CHUNK_BYTES = 64 * 1024;
/** Media Storage Directory Storage (PS3.6): the table of contents of a medium, which is no image. */
const DICOMDIR = "1.2.840.10008.1.3.10";

/**
 * Tells which instance a file holds.
 *
 * @returns Its SOP instance UID; or why it holds none that can be sent.
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
 * The bytes of a file.
 *
 * @param onFault Takes why they cannot all be read, before the stream fails with it.
 * @returns Its bytes; they fail with {@linkcode PushFileError} where they cannot all be read.
 */
export function contentOf(
  file: PushFile,
  onFault: (fault: PushFileError) => void,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const failed = (error: unknown) =>
    error instanceof PushFileError
      ? error
      : new PushFileError(file, `cannot be read: ${fileFault(error)}`);
  let handle: Deno.FsFile | undefined;
  let left = file.size;
  const close = () => {
    handle?.close();
    handle = undefined;
  };
  return new ReadableStream({
    async pull(controller) {
      try {
        handle ??= await Deno.open(file.absolutePath);
        const chunk = new Uint8Array(CHUNK_BYTES);
        const length = await handle.read(chunk);
        left -= length ?? 0;
        if (left < 0 || (length === null && left > 0)) {
          throw new PushFileError(file, "changed while it was read");
        }
        if (length !== null) return controller.enqueue(chunk.subarray(0, length));
        close();
        controller.close();
      } catch (error) {
        close();
        const fault = failed(error);
        onFault(fault);
        controller.error(fault);
      }
    },
    cancel: close,
  }, { highWaterMark: 0 });
}

/**
 * Tells whether two files hold the same bytes.
 *
 * @throws {PushFileError} When one cannot be read.
 */
export async function haveSameContent(one: PushFile, other: PushFile): Promise<boolean> {
  if (one.size !== other.size) return false;
  using first = await Deno.open(one.absolutePath);
  using second = await Deno.open(other.absolutePath);
  for (;;) {
    const [a, b] = [await block(first), await block(second)];
    if (a.length !== b.length || !a.every((byte, index) => byte === b[index])) return false;
    if (a.length === 0) return true;
  }
}

/** The next bytes, as many as there are: a read may give fewer. */
async function block(file: Deno.FsFile): Promise<Uint8Array> {
  const bytes = new Uint8Array(CHUNK_BYTES);
  let length = 0;
  while (length < bytes.length) {
    const read = await file.read(bytes.subarray(length));
    if (read === null) break;
    length += read;
  }
  return bytes.subarray(0, length);
}
