/**
 * The audit trail in files: the current one, and finished ones that reached the size limit, named by the
 * number of their last record. Records are on disk when `write` returns.
 */
import { basename, dirname } from "node:path";
import { reasonOf } from "../../errors/reason.ts";
import { type ChainEnd, NO_RECORDS, readRecord } from "../../telemetry/audit_chain.ts";

export interface AuditFileOptions {
  /** Absolute path of the current file. */
  readonly path: string;
  /** The current file is finished when it exceeds this size. */
  readonly maxBytes: number;
  /** How many finished files are kept; 0 for all. */
  readonly maxFiles: number;
}

/** More than the longest record. */
const TAIL_BYTES = 256 * 1024;
const NUMBER_WIDTH = 12;
const NUMBER = /^\d+$/;
const OTHERS_WRITE = 0o022;
const LF = 10;
const NO_RECORD = "its last line is not a record; move the file away, or run audit verify";

/**
 * Opens or creates a trail.
 *
 * @returns Its end, after which the chain continues, and how many bytes of an incomplete last record
 * were removed.
 * @throws {Error} When it cannot be written, others may write it, or another gateway is writing it.
 */
export async function openAuditFile(
  options: AuditFileOptions,
): Promise<{ readonly sink: AuditSink; readonly end: ChainEnd; readonly cutBytes: number }> {
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
    // From here on the sink closes them.
    opened.move();
    return { sink: new AuditFile(options, lock, { file, ino, size }), end, cutBytes };
  } catch (cause) {
    throw new Error(`Cannot write the audit trail ${path}: ${reasonOf(cause)}`, { cause });
  }
}

/**
 * Why a trail cannot be continued, without changing it: also while a gateway writes it.
 *
 * @throws {Error} When it cannot be read or written.
 */
export async function testAuditFile(options: AuditFileOptions): Promise<void> {
  const { path } = options;
  await refuseOpenDirectory(dirname(path));
  using file = await Deno.open(path, { read: true, write: true }).catch((error) => {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  });
  if (file === undefined) return;
  await refuseOpenFile(file);
  const { size } = await file.stat();
  const tail = await tailOf(file, size);
  const whole = tail.lastIndexOf(LF) + 1;
  // A gateway may be writing the last line at this moment.
  if (whole > 0) lastRecord(tail.subarray(0, whole));
}

/** The absolute paths of a trail, oldest first. The current file is the last, whether or not it exists. */
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

/** A user who can rename the file in its directory can replace it. */
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

/** Held until the process ends: two gateways would write two chains into one file. */
async function lockOf(path: string): Promise<Deno.FsFile> {
  const lock = await Deno.open(`${path}.lock`, { write: true, create: true, mode: 0o600 });
  if (await lock.tryLock(true)) return lock;
  lock.close();
  throw new Error("another gateway is writing it");
}

function openForWriting(path: string): Promise<Deno.FsFile> {
  return Deno.open(path, { read: true, write: true, create: true, mode: 0o600 });
}

/** Finds the last complete record, and removes the rest: the process ended while writing it. */
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

/** Not verified here: the chain continues after the record as it is, and `audit verify` verifies it. */
function lastRecord(lines: Uint8Array): ChainEnd {
  const last = new TextDecoder().decode(lines).trimEnd().split("\n").at(-1) ?? "";
  const record = readRecord(last, undefined);
  if (record === undefined) throw new Error(NO_RECORD);
  return { sequence: record.sequence, hash: record.hash };
}

interface CurrentFile {
  readonly file: Deno.FsFile;
  /** Distinguishes the file from another of its name; null if the system has no inode numbers. */
  readonly ino: number | null;
  /** Bytes of complete records. */
  size: number;
}

class AuditFile implements AuditSink {
  readonly #options: AuditFileOptions;
  readonly #lock: Deno.FsFile;
  #current: CurrentFile;

  constructor(options: AuditFileOptions, lock: Deno.FsFile, current: CurrentFile) {
    this.#options = options;
    this.#lock = lock;
    this.#current = current;
  }

  async write(lines: readonly string[], sequence: number): Promise<void> {
    const bytes = new TextEncoder().encode(`${lines.join("\n")}\n`);
    await this.#refuseMovedFile();
    const { file, size } = this.#current;
    try {
      await file.seek(size, Deno.SeekMode.Start);
      for (let at = 0; at < bytes.length;) at += await file.write(bytes.subarray(at));
      await file.syncData();
    } catch (error) {
      // The same records are written again, after no incomplete one.
      await file.truncate(size).catch(() => {});
      throw error;
    }
    this.#current.size += bytes.length;
    if (this.#current.size > this.#options.maxBytes) await this.#finishFile(sequence);
  }

  close(): void {
    this.#current.file.close();
    this.#lock.close();
  }

  /** Records in a file that was removed or renamed would be lost. */
  async #refuseMovedFile(): Promise<void> {
    const { path } = this.#options;
    const { ino } = this.#current;
    if (ino === null || await inodeOf(path) === ino) return;
    await this.#continueIn(await openForWriting(path));
    throw new Error(`${path} was removed; starting a new file`);
  }

  async #continueIn(next: Deno.FsFile): Promise<void> {
    const { ino, size } = await next.stat();
    this.#current.file.close();
    this.#current = { file: next, ino, size };
  }

  /** Does not throw: the records are already on disk. */
  async #finishFile(sequence: number): Promise<void> {
    const { path, maxFiles } = this.#options;
    const finished = `${path}.${String(sequence).padStart(NUMBER_WIDTH, "0")}`;
    try {
      await Deno.rename(path, finished);
      await this.#continueIn(await openForWriting(path));
      if (maxFiles === 0) return;
      const files = await finishedFiles(path);
      for (const file of files.slice(0, -maxFiles)) await Deno.remove(file);
    } catch {
      // Retried with the next record, which reports the reason if it cannot be written.
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

/** A destination of records. */
export interface AuditSink {
  /**
   * Writes records, each a JSON text without a line end.
   *
   * @param sequence Number of the last record.
   * @throws When they are not written; then the caller writes them again.
   */
  write(lines: readonly string[], sequence: number): Promise<void>;
  /** Closes it, and aborts a write in progress if possible. */
  close(): void | Promise<void>;
}
