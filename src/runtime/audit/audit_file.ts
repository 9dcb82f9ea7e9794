/**
 * The audit trail in files: one that is written, and those that were finished when they had grown long
 * enough, named by the number of their last record. What is written is on the disk when `write` returns.
 *
 * @module
 */
import { basename, dirname } from "node:path";
import { type ChainEnd, NO_RECORDS, readRecord } from "../../telemetry/audit_chain.ts";

/** How a file is kept. */
export interface AuditFileOptions {
  /** Absolute path of the file that is written. */
  readonly path: string;
  /** It is finished when it has grown beyond this. */
  readonly maxBytes: number;
  /** How many finished files are kept; 0 for all. */
  readonly maxFiles: number;
}

/** A trail of files that was opened. */
export interface OpenedAuditFile {
  readonly sink: AuditSink;
  /** Where its chain goes on. */
  readonly end: ChainEnd;
  /** Bytes of a last record that had not been written to its end, and were removed. */
  readonly cutBytes: number;
}

/** Longer than any record. */
const TAIL_BYTES = 256 * 1024;
const NUMBER_WIDTH = 12;
const NUMBER = /^\d+$/;
const OTHERS_WRITE = 0o022;
const LF = 10;
const NO_RECORD = "its last line is not a record; move the file away, or run audit verify";

/**
 * Opens a trail, and makes it where there is none.
 *
 * @throws {Error} When it cannot be written, others could write it, or another gateway does.
 */
export async function openAuditFile(options: AuditFileOptions): Promise<OpenedAuditFile> {
  const { path } = options;
  const directory = dirname(path);
  try {
    await Deno.mkdir(directory, { recursive: true, mode: 0o700 });
    await refuseOpenDirectory(directory);
    using opened = new DisposableStack();
    const lock = opened.use(await lockOf(path));
    const file = opened.use(await openForWriting(path));
    await refuseOpenFile(file);
    const { end, size, cutBytes } = await endOf(file, options);
    const { ino } = await file.stat();
    // From here on they are the sink's to close.
    opened.move();
    return { sink: new AuditFile({ ...options, lock, file, ino, size }), end, cutBytes };
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`Cannot write the audit trail ${path}: ${reason}`, { cause });
  }
}

/**
 * The files of a trail, the oldest first.
 *
 * @param path Path of the file that is written.
 * @returns Absolute paths; the file that is written comes last, whether or not it is there.
 */
export async function auditFiles(path: string): Promise<string[]> {
  return [...await finishedFiles(path), path];
}

async function finishedFiles(path: string): Promise<string[]> {
  const [directory, name] = [dirname(path), basename(path)];
  const found: string[] = [];
  for await (const entry of Deno.readDir(directory)) {
    const number = entry.name.slice(name.length + 1);
    if (
      entry.name.startsWith(`${name}.`) && NUMBER.test(number) && number.length === NUMBER_WIDTH
    ) {
      found.push(`${directory}/${entry.name}`);
    }
  }
  return found.sort();
}

/** Whoever can rename a file in its directory can put another in its place. */
async function refuseOpenDirectory(directory: string): Promise<void> {
  const { mode, uid } = await Deno.stat(directory);
  if (mode !== null && (mode & OTHERS_WRITE) !== 0) {
    throw new Error(
      `others may write to the directory ${directory}: run chmod go-w ${directory}, or name a ` +
        "subdirectory, which the gateway creates",
    );
  }
  const user = Deno.uid();
  if (uid !== null && uid !== 0 && user !== null && uid !== user) {
    throw new Error(`the directory ${directory} belongs to another user (${uid}); chown it`);
  }
}

async function refuseOpenFile(file: Deno.FsFile): Promise<void> {
  const { mode, isFile } = await file.stat();
  if (!isFile) throw new Error("it is not a regular file");
  if (mode !== null && (mode & OTHERS_WRITE) !== 0) {
    throw new Error("others may write to it; chmod go-w it");
  }
}

/** Held as long as the process lives: two gateways would write two chains into one file. */
async function lockOf(path: string): Promise<Deno.FsFile> {
  const lock = await Deno.open(`${path}.lock`, { write: true, create: true, mode: 0o600 });
  if (await lock.tryLock(true)) return lock;
  lock.close();
  throw new Error("another gateway is writing it");
}

function openForWriting(path: string): Promise<Deno.FsFile> {
  return Deno.open(path, { read: true, write: true, create: true, mode: 0o600 });
}

/** Finds the last whole record, and removes what stands behind it: the process ended while it wrote. */
async function endOf(
  file: Deno.FsFile,
  { path }: AuditFileOptions,
): Promise<{ end: ChainEnd; size: number; cutBytes: number }> {
  const { size } = await file.stat();
  const tail = await tailOf(file, size);
  const whole = tail.lastIndexOf(LF) + 1;
  if (whole === 0 && tail.length < size) throw new Error(NO_RECORD);
  const cutBytes = tail.length - whole;
  if (cutBytes > 0) {
    await file.truncate(size - cutBytes);
    await file.syncData();
  }
  const rest = size - cutBytes;
  if (rest > 0) return { end: lastRecord(tail.subarray(0, whole)), size: rest, cutBytes };
  const previous = (await finishedFiles(path)).at(-1);
  if (previous === undefined) return { end: NO_RECORDS, size: 0, cutBytes };
  using finished = await Deno.open(previous);
  const end = lastRecord(await tailOf(finished, (await finished.stat()).size));
  return { end, size: 0, cutBytes };
}

async function tailOf(file: Deno.FsFile, size: number): Promise<Uint8Array> {
  const tail = new Uint8Array(Math.min(size, TAIL_BYTES));
  await file.seek(size - tail.length, Deno.SeekMode.Start);
  for (let at = 0; at < tail.length;) {
    const count = await file.read(tail.subarray(at));
    if (count === null) throw new Error("it became shorter while it was read");
    at += count;
  }
  return tail;
}

/** Whether the record is true is for `audit verify` to say: the chain goes on at what stands there. */
function lastRecord(lines: Uint8Array): ChainEnd {
  const last = new TextDecoder().decode(lines).trimEnd().split("\n").at(-1) ?? "";
  const record = readRecord(last, undefined);
  if (record === undefined) {
    throw new Error(NO_RECORD);
  }
  return { sequence: record.sequence, hash: record.hash };
}

class AuditFile implements AuditSink {
  readonly #options: AuditFileOptions;
  readonly #lock: Deno.FsFile;
  #file: Deno.FsFile;
  /** What tells the file from another of its name; nothing where the system has no such number. */
  #ino: number | null;
  /** Length of what is written for good. */
  #size: number;

  constructor(
    options: AuditFileOptions & {
      lock: Deno.FsFile;
      file: Deno.FsFile;
      ino: number | null;
      size: number;
    },
  ) {
    this.#options = options;
    this.#lock = options.lock;
    this.#file = options.file;
    this.#ino = options.ino;
    this.#size = options.size;
  }

  async write(lines: readonly string[], sequence: number): Promise<void> {
    const bytes = new TextEncoder().encode(`${lines.join("\n")}\n`);
    await this.#refuseMovedFile();
    try {
      await this.#file.seek(this.#size, Deno.SeekMode.Start);
      for (let at = 0; at < bytes.length;) at += await this.#file.write(bytes.subarray(at));
      await this.#file.syncData();
    } catch (error) {
      // Half a record must not stay: the same ones are written again.
      await this.#file.truncate(this.#size).catch(() => {});
      throw error;
    }
    this.#size += bytes.length;
    if (this.#size > this.#options.maxBytes) await this.#finishFile(sequence);
  }

  close(): void {
    this.#file.close();
    this.#lock.close();
  }

  /** What is written to a file that was removed or moved away nobody sees. */
  async #refuseMovedFile(): Promise<void> {
    const { path } = this.#options;
    if (this.#ino === null || await inodeOf(path) === this.#ino) return;
    await this.#goOnIn(await openForWriting(path));
    throw new Error(`${path} was removed; starting a new file`);
  }

  async #goOnIn(next: Deno.FsFile): Promise<void> {
    this.#file.close();
    this.#file = next;
    ({ ino: this.#ino, size: this.#size } = await next.stat());
  }

  /** What is written is safe, so a failure here is none of the records'. */
  async #finishFile(sequence: number): Promise<void> {
    const { path, maxFiles } = this.#options;
    const finished = `${path}.${String(sequence).padStart(NUMBER_WIDTH, "0")}`;
    try {
      await Deno.rename(path, finished);
      await this.#goOnIn(await openForWriting(path));
      if (maxFiles === 0) return;
      const files = await finishedFiles(path);
      for (const file of files.slice(0, -maxFiles)) await Deno.remove(file);
    } catch {
      // It is tried again with the next record, which tells why where it cannot be written.
    }
  }
}

async function inodeOf(path: string): Promise<number | null | undefined> {
  try {
    return (await Deno.stat(path)).ino;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** Takes records for good. */
export interface AuditSink {
  /**
   * Writes records.
   *
   * @param lines Each a JSON text without a line end.
   * @param sequence Number of the last of them.
   * @throws When they are not written; then they are given again.
   */
  write(lines: readonly string[], sequence: number): Promise<void>;
  /** Frees what is held, and ends a write under way where it can. */
  close(): void | Promise<void>;
}
