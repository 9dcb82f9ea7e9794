/**
 * What a push has done so far: one line for each instance that the store said it has, on disk before
 * the push goes on. A push that was ended in any way goes on from there; what is not noted is sent
 * again, which does no harm. A line that was cut off is taken for not written.
 *
 * @module
 */
import { dirname } from "node:path";

/** An instance that the store has. */
export interface JournalEntry {
  /** Path of its file relative to the folder. */
  readonly path: string;
  readonly size: number;
  readonly modifiedAtMs: number;
  readonly sopInstanceUid: string;
}

/** What a journal is of: a journal of another push is refused. */
export interface JournalSubject {
  readonly folder: string;
  /** Where to. */
  readonly target: string;
}

/** A journal that cannot be used or written. */
export class JournalError extends Error {
  /** Tells it from other errors. */
  override readonly name: string = "JournalError";
}

const FORMAT = 1;
const LINE_END = 0x0A;

/** A journal that is open; no other push can open it meanwhile. */
export class PushJournal {
  /** Instances noted by earlier runs, by path. */
  readonly earlier: ReadonlyMap<string, JournalEntry>;
  /** Path of the journal's file. */
  readonly file: string;
  readonly #handle: Deno.FsFile;

  private constructor(
    file: string,
    handle: Deno.FsFile,
    earlier: ReadonlyMap<string, JournalEntry>,
  ) {
    this.file = file;
    this.#handle = handle;
    this.earlier = earlier;
  }

  /**
   * Opens a journal, or begins one.
   *
   * @throws {JournalError} When it is of another push, in use, or cannot be read or written.
   */
  static async open(file: string, subject: JournalSubject, fresh: boolean): Promise<PushJournal> {
    let handle: Deno.FsFile | undefined;
    try {
      await Deno.mkdir(dirname(file), { recursive: true, mode: 0o700 });
      handle = await Deno.open(file, { read: true, write: true, create: true, mode: 0o600 });
      if (!handle.tryLockSync(true)) {
        throw new JournalError(`The journal ${file} is in use by another push`);
      }
      const bytes = await readAll(handle);
      const known = read(new TextDecoder().decode(bytes), file, fresh ? undefined : subject);
      const journal = new PushJournal(file, handle, fresh ? new Map() : known);
      const whole = fresh ? 0 : bytes.lastIndexOf(LINE_END) + 1;
      await handle.truncate(whole);
      await handle.seek(whole, Deno.SeekMode.Start);
      if (whole === 0) journal.#append([{ format: FORMAT, ...subject }]);
      return journal;
    } catch (error) {
      handle?.close();
      throw error instanceof JournalError ? error : journalFault(file, error);
    }
  }

  /**
   * Notes instances, and returns once they are on disk.
   *
   * @throws {JournalError} When they cannot be written.
   */
  note(entries: readonly JournalEntry[]): void {
    if (entries.length > 0) this.#append(entries);
  }

  /** Closes it; it can be gone on with. */
  close(): void {
    this.#handle.close();
  }

  /** Removes it: nothing is left to go on with. */
  async remove(): Promise<void> {
    // Removed while it is still locked: nobody else has begun to use it. Windows cannot do that.
    if (Deno.build.os === "windows") this.close();
    await Deno.remove(this.file);
    if (Deno.build.os !== "windows") this.close();
  }

  #append(lines: readonly unknown[]): void {
    let bytes = new TextEncoder().encode(
      lines.map((line) => `${JSON.stringify(line)}\n`).join(""),
    );
    try {
      while (bytes.length > 0) bytes = bytes.subarray(this.#handle.writeSync(bytes));
      this.#handle.syncDataSync();
    } catch (error) {
      throw journalFault(this.file, error);
    }
  }
}

async function readAll(handle: Deno.FsFile): Promise<Uint8Array> {
  const { size } = await handle.stat();
  // What is no file (a device) has no end.
  const bytes = new Uint8Array(size);
  let length = 0;
  while (length < size) {
    const read = await handle.read(bytes.subarray(length));
    if (read === null) break;
    length += read;
  }
  return bytes.subarray(0, length);
}

/** What a journal holds. Even one that is begun anew must be one: it could be any file of the user. */
function read(
  text: string,
  file: string,
  subject: JournalSubject | undefined,
): Map<string, JournalEntry> {
  if (text === "") return new Map();
  // Its first line was cut off: it notes nothing.
  if (!text.includes("\n") && text.startsWith('{"format":')) return new Map();
  const [head, ...lines] = text.split("\n").slice(0, -1).map((line) => parsed(line));
  if (head?.["format"] !== FORMAT) {
    throw new JournalError(
      `${file} is not the journal of a push; name another file with --journal`,
    );
  }
  if (
    subject !== undefined &&
    (head["folder"] !== subject.folder || head["target"] !== subject.target)
  ) {
    throw new JournalError(
      `The journal ${file} is of a push of ${head["folder"]} to ${head["target"]}; name another ` +
        "file with --journal, or use --fresh to start over",
    );
  }
  const entries = lines.filter((line) => line !== undefined) as unknown as JournalEntry[];
  return new Map(entries.map((entry) => [entry.path, entry]));
}

function parsed(line: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null
      ? value as Record<string, unknown>
      : undefined;
  } catch {
    return undefined;
  }
}

function journalFault(file: string, cause: unknown): JournalError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new JournalError(`Cannot write the journal ${file}: ${reason}`, { cause });
}
