/**
 * Sends the instances of a folder to a store: several in one request, several requests at once, each
 * instance noted in the journal when the store said that it has it. What fails for a while is tried
 * again; what the store refuses is told from what can be sent beside it.
 *
 * @module
 */
import { join } from "node:path";
import { sleep } from "../../network/wait.ts";
import { fileFault, folderFiles } from "./folder_files.ts";
import { haveSameContent, instanceOf, type PushFile } from "./push_file.ts";
import type { PushJournal } from "./push_journal.ts";
import type { PushTarget } from "./push_target.ts";
import { type FileOutcome, type RequestOutcome, storeRequest } from "./store_request.ts";

/** What becomes of a file of the folder. */
export type PushEvent =
  | {
    readonly kind: "stored" | "there" | "earlier";
    readonly path: string;
    readonly size: number;
    readonly warning?: string;
  }
  | {
    readonly kind: "skipped" | "failed";
    readonly path: string;
    readonly reason: string;
  };

/** How a folder is sent. */
export interface PushOptions {
  /** Absolute path of the folder. */
  readonly folder: string;
  readonly target: PushTarget;
  readonly journal: PushJournal;
  /** Requests under way at once. */
  readonly jobs: number;
  /** Instances in one request at most. */
  readonly batch: number;
  /** How often a request is tried again. */
  readonly retries: number;
  /** Finish what is under way and end. */
  readonly signal: AbortSignal;
  /** Takes what became of each file. */
  readonly tell: (event: PushEvent) => void;
  /** Takes what the push waits for. */
  readonly tellWait: (reason: string, waitMs: number) => void;
}

/** More bytes than this are not put into one request, but for one file alone: it may have to be sent again. */
const MAX_REQUEST_BYTES = 128 * 1024 * 1024;
const FIRST_WAIT_MS = 1_000;
const MAX_WAIT_MS = 60_000;
/** `Retry-After` beyond this is not waited for: the push ends, and can be gone on with. */
const MAX_RETRY_AFTER_MS = 10 * 60_000;

/** A push that cannot go on, for a reason that concerns no single file. */
export class PushStoppedError extends Error {
  /** Tells it from other errors. */
  override readonly name: string = "PushStoppedError";
}

/**
 * Sends a folder.
 *
 * @throws {PushStoppedError} When the store takes no more, or does not answer for too long.
 * @throws {JournalError} When the journal cannot be written.
 */
export async function pushFolder(options: PushOptions): Promise<void> {
  await new FolderPush(options).run();
}

class FolderPush {
  readonly #options: PushOptions;
  /** Which file holds an instance: the first one is sent. */
  readonly #files = new Map<string, PushFile>();
  readonly #stopped = new AbortController();

  constructor(options: PushOptions) {
    this.#options = options;
  }

  async run(): Promise<void> {
    const batches = this.#batches();
    const results = await Promise.allSettled(
      Array.from({ length: this.#options.jobs }, () => this.#work(batches)),
    );
    const failed = results.find((result) => result.status === "rejected");
    if (failed !== undefined) throw failed.reason;
  }

  get #isEnding(): boolean {
    return this.#options.signal.aborted || this.#stopped.signal.aborted;
  }

  async #work(batches: AsyncGenerator<PushFile[]>): Promise<void> {
    try {
      for (;;) {
        // Several ask at once: the generator answers them one after the other.
        const { done, value } = await batches.next();
        if (done || this.#isEnding) return;
        await this.#store(value);
      }
    } catch (error) {
      this.#stopped.abort();
      throw error;
    }
  }

  async *#batches(): AsyncGenerator<PushFile[]> {
    const { batch: maxFiles } = this.#options;
    let batch: PushFile[] = [];
    let bytes = 0;
    for await (const file of this.#instances()) {
      if (batch.length > 0 && bytes + file.size > MAX_REQUEST_BYTES) {
        yield batch;
        [batch, bytes] = [[], 0];
      }
      batch.push(file);
      bytes += file.size;
      if (batch.length === maxFiles) {
        yield batch;
        [batch, bytes] = [[], 0];
      }
      if (this.#isEnding) return;
    }
    if (batch.length > 0) yield batch;
  }

  /** The instances that are still to be sent, each once. */
  async *#instances(): AsyncGenerator<PushFile> {
    const { folder, journal, tell } = this.#options;
    for await (const found of folderFiles(folder)) {
      const { path } = found;
      if ("fault" in found) {
        tell({ kind: "failed", path, reason: found.fault });
        continue;
      }
      const { size, modifiedAtMs } = found;
      const known = { path, absolutePath: join(folder, path), size, modifiedAtMs };
      const noted = journal.earlier.get(path);
      if (noted?.size === size && noted.modifiedAtMs === modifiedAtMs) {
        this.#files.set(noted.sopInstanceUid, { ...known, sopInstanceUid: noted.sopInstanceUid });
        tell({ kind: "earlier", path, size });
        continue;
      }
      try {
        const instance = await instanceOf(known.absolutePath);
        if ("skipped" in instance) tell({ kind: "skipped", path, reason: instance.skipped });
        else if (await this.#isFirst({ ...known, ...instance })) yield { ...known, ...instance };
      } catch (error) {
        tell({ kind: "failed", path, reason: `cannot be read: ${fileFault(error)}` });
      }
    }
  }

  /** Two files of one instance: which one is right if they differ is not for a program to say. */
  async #isFirst(file: PushFile): Promise<boolean> {
    const { tell } = this.#options;
    const first = this.#files.get(file.sopInstanceUid);
    if (first === undefined) {
      this.#files.set(file.sopInstanceUid, file);
      return true;
    }
    const { path } = file;
    if (await haveSameContent(first, file)) {
      tell({ kind: "skipped", path, reason: `the same as ${first.path}` });
    } else {
      const reason =
        `another file, ${first.path}, contains the same instance with other content; ` +
        "only that one is sent: check which one is correct";
      tell({ kind: "failed", path, reason });
    }
    return false;
  }

  /** Sends files until each of them is stored or told why not. */
  async #store(files: readonly PushFile[]): Promise<void> {
    const [first] = files;
    if (first === undefined) return;
    const { outcome, left } = await this.#requestUntilAnswered(files);
    if (outcome === undefined) return;
    switch (outcome.kind) {
      case "answered":
        return this.#settle(outcome.outcomes);
      case "unreadable":
        this.#options.tell({ kind: "failed", path: outcome.file.path, reason: outcome.reason });
        return await this.#store(left.filter((file) => file !== outcome.file));
      case "refused": {
        if (left.length === 1) {
          return this.#options.tell({ kind: "failed", path: first.path, reason: outcome.reason });
        }
        // One file can make a store refuse all that came with it.
        const middle = Math.ceil(left.length / 2);
        await this.#store(left.slice(0, middle));
        return await this.#store(left.slice(middle));
      }
      default:
        throw new PushStoppedError(outcome.reason);
    }
  }

  /** Nothing where the push ends before there is an answer. */
  async #requestUntilAnswered(
    files: readonly PushFile[],
  ): Promise<{ readonly outcome: RequestOutcome | undefined; readonly left: readonly PushFile[] }> {
    const { target, retries, tellWait } = this.#options;
    let left = files;
    for (let attempt = 0;; attempt++) {
      if (this.#isEnding) return { outcome: undefined, left };
      let outcome = await storeRequest(left, target, Date.now);
      if (outcome.kind === "answered" && attempt < retries) {
        const again = [...outcome.outcomes].filter(([, each]) =>
          each.kind === "failed" && each.isTransient
        );
        if (again.length > 0) {
          const rest = new Map(outcome.outcomes);
          for (const [file] of again) rest.delete(file);
          this.#settle(rest);
          left = again.map(([file]) => file);
          outcome = {
            kind: "transient",
            reason: "the store is out of resources",
            waitMs: undefined,
          };
        }
      }
      if (outcome.kind !== "transient") return { outcome, left };
      const waitMs = outcome.waitMs ?? Math.min(FIRST_WAIT_MS * 2 ** attempt, MAX_WAIT_MS);
      if (attempt >= retries || waitMs > MAX_RETRY_AFTER_MS) return { outcome, left };
      tellWait(outcome.reason, waitMs);
      await this.#wait(waitMs);
    }
  }

  #settle(outcomes: ReadonlyMap<PushFile, FileOutcome>): void {
    const { journal, tell } = this.#options;
    const settled = [...outcomes].filter(([, { kind }]) => kind !== "failed");
    journal.note(settled.map(([{ path, size, modifiedAtMs, sopInstanceUid }]) => ({
      path,
      size,
      modifiedAtMs,
      sopInstanceUid,
    })));
    for (const [{ path, size }, outcome] of outcomes) {
      if (outcome.kind === "failed") tell({ kind: "failed", path, reason: outcome.reason });
      else tell({ path, size, ...outcome });
    }
  }

  async #wait(waitMs: number): Promise<void> {
    const ending = AbortSignal.any([this.#options.signal, this.#stopped.signal]);
    // An end is seen by the caller.
    await sleep(waitMs, { signal: ending }).catch(() => {});
  }
}
