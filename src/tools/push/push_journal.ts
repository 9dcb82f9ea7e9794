/**
 * The journal of a push: one line for each instance that the store has confirmed, on disk before the
 * push continues. After any interruption a push resumes from it; what it lacks is sent again, which
 * does no harm. An incomplete last line counts as not written.
 */
import { dirname } from "node:path";
import { reasonOf } from "../../errors/reason.ts";
import { type PushFile, readBlock } from "./push_file.ts";

/** An instance that the store has. */
export type JournalEntry = Omit<PushFile, "absolutePath">;

/** The push of a journal. A journal of another push is rejected. */
export interface JournalSubject {
  readonly folder: string;
  readonly target: string;
}

/** A journal that cannot be used or written. */
export class JournalError extends Error {
  override readonly name: string = "JournalError";
}

const FORMAT = 1;
const LINE_END = 0x0A;

/** An open journal, locked against other pushes. */
export class PushJournal {
  /** Instances recorded by earlier runs, by path. */
  readonly earlier: ReadonlyMap<string, JournalEntry>;
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
   * Opens or creates a journal; with `fresh`, empties it.
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
      // By its size, because a device has no end.
      const bytes = await readBlock(handle, (await handle.stat()).size);
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
   * Records instances; returns when they are on disk.
   *
   * @throws {JournalError} When they cannot be written.
   */
  record(entries: readonly JournalEntry[]): void {
    if (entries.length > 0) this.#append(entries);
  }

  /** Closes it, to be resumed later. */
  close(): void {
    this.#handle.close();
  }

  /** Removes it: nothing is left to resume. */
  async remove(): Promise<void> {
    // While it is still locked, so that no other push uses it. Windows cannot do that.
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

/** Parses a journal. Even a file to be emptied must be one: it could be any file of the user. */
function read(
  text: string,
  file: string,
  subject: JournalSubject | undefined,
): Map<string, JournalEntry> {
  if (text === "") return new Map();
  // Its first line is incomplete: it records nothing.
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
  return new JournalError(`Cannot write the journal ${file}: ${reasonOf(cause)}`, { cause });
}
