/**
 * Sends the instances of a folder to a store: several per request, several requests concurrently, each
 * instance recorded in the journal once the store confirms it. Transient failures are retried; a
 * rejected request is split until only the files that cause the rejection fail.
 */
import { join } from "node:path";
import { sleep } from "../../network/wait.ts";
import { fileFault, folderFiles } from "./folder_files.ts";
import { haveSameContent, instanceOf, type PushFile } from "./push_file.ts";
import type { PushJournal } from "./push_journal.ts";
import type { PushTarget } from "./push_target.ts";
import { type FileOutcome, type RequestOutcome, storeRequest } from "./store_request.ts";

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

export interface PushOptions {
  /** Absolute path of the folder, or of a single file. */
  readonly folder: string;
  readonly target: PushTarget;
  readonly journal: PushJournal;
  /** Concurrent requests. */
  readonly jobs: number;
  /** Most instances per request. */
  readonly batch: number;
  readonly retries: number;
  /** Aborted to finish the requests in progress and end. */
  readonly signal: AbortSignal;
  readonly onFile: (event: PushEvent) => void;
  /** Called before the wait for a retry. */
  readonly onWait: (reason: string, waitMs: number) => void;
}

/** Limit of a request with several files, because it may have to be sent again. */
const MAX_REQUEST_BYTES = 128 * 1024 * 1024;
const FIRST_WAIT_MS = 1_000;
const MAX_WAIT_MS = 60_000;
/** With a longer `Retry-After` the push ends, and can be resumed. */
const MAX_RETRY_AFTER_MS = 10 * 60_000;

/** A push that cannot continue, for a reason that concerns no single file. */
export class PushStoppedError extends Error {
  override readonly name: string = "PushStoppedError";
}

/**
 * @throws {PushStoppedError} When the store accepts nothing more, or does not answer for too long.
 * @throws {JournalError} When the journal cannot be written.
 */
export async function pushFolder(options: PushOptions): Promise<void> {
  await new FolderPush(options).run();
}

class FolderPush {
  readonly #options: PushOptions;
  /** The first file of each instance, which is sent, by SOP Instance UID. */
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
        // The generator queues concurrent calls.
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
      const isFull = batch.length === maxFiles || bytes + file.size > MAX_REQUEST_BYTES;
      if (isFull && batch.length > 0) {
        yield batch;
        [batch, bytes] = [[], 0];
      }
      batch.push(file);
      bytes += file.size;
      if (this.#isEnding) return;
    }
    if (batch.length > 0) yield batch;
  }

  /** The instances to be sent, each once. */
  async *#instances(): AsyncGenerator<PushFile> {
    const { folder, journal, onFile } = this.#options;
    const isFile = (await Deno.stat(folder)).isFile;
    for await (const found of folderFiles(folder)) {
      const { path } = found;
      if ("skipped" in found) {
        onFile({ kind: "skipped", path, reason: found.skipped });
        continue;
      }
      if ("fault" in found) {
        onFile({ kind: "failed", path, reason: found.fault });
        continue;
      }
      const { size, modifiedAtMs } = found;
      const absolutePath = isFile ? folder : join(folder, path);
      const known = { path, absolutePath, size, modifiedAtMs };
      const earlier = journal.earlier.get(path);
      if (earlier?.size === size && earlier.modifiedAtMs === modifiedAtMs) {
        const { sopInstanceUid } = earlier;
        this.#files.set(sopInstanceUid, { ...known, sopInstanceUid });
        onFile({ kind: "earlier", path, size });
        continue;
      }
      try {
        const instance = await instanceOf(known.absolutePath);
        if ("skipped" in instance) onFile({ kind: "skipped", path, reason: instance.skipped });
        else if (await this.#isFirst({ ...known, ...instance })) yield { ...known, ...instance };
      } catch (error) {
        onFile({ kind: "failed", path, reason: `cannot be read: ${fileFault(error)}` });
      }
    }
  }

  /** If two files of one instance differ, only a person can decide which one is correct. */
  async #isFirst(file: PushFile): Promise<boolean> {
    const { onFile } = this.#options;
    const first = this.#files.get(file.sopInstanceUid);
    if (first === undefined) {
      this.#files.set(file.sopInstanceUid, file);
      return true;
    }
    const { path } = file;
    if (await haveSameContent(first, file)) {
      onFile({ kind: "skipped", path, reason: `the same as ${first.path}` });
    } else {
      const reason =
        `another file, ${first.path}, contains the same instance with other content; ` +
        "only that one is sent: check which one is correct";
      onFile({ kind: "failed", path, reason });
    }
    return false;
  }

  /** Sends files until each of them is stored or has failed. */
  async #store(files: readonly PushFile[]): Promise<void> {
    const { onFile } = this.#options;
    const [first] = files;
    if (first === undefined) return;
    const { outcome, left } = await this.#requestUntilAnswered(files);
    if (outcome === undefined) return;
    switch (outcome.kind) {
      case "answered":
        return this.#settle(outcome.outcomes);
      case "unreadable":
        onFile({ kind: "failed", path: outcome.file.path, reason: outcome.reason });
        return await this.#store(left.filter((file) => file !== outcome.file));
      case "refused": {
        if (left.length === 1) {
          return onFile({ kind: "failed", path: first.path, reason: outcome.reason });
        }
        // One file can make a store reject the whole request.
        const middle = Math.ceil(left.length / 2);
        await this.#store(left.slice(0, middle));
        return await this.#store(left.slice(middle));
      }
      default:
        throw new PushStoppedError(outcome.reason);
    }
  }

  /** Retries a request. The outcome is undefined if the push ends before. */
  async #requestUntilAnswered(
    files: readonly PushFile[],
  ): Promise<{ readonly outcome: RequestOutcome | undefined; readonly left: readonly PushFile[] }> {
    const { target, retries, signal, onWait } = this.#options;
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
          const reason = "the store is out of resources";
          outcome = { kind: "transient", reason, waitMs: undefined };
        }
      }
      if (outcome.kind !== "transient") return { outcome, left };
      const waitMs = outcome.waitMs ?? Math.min(FIRST_WAIT_MS * 2 ** attempt, MAX_WAIT_MS);
      if (attempt >= retries || waitMs > MAX_RETRY_AFTER_MS) return { outcome, left };
      onWait(outcome.reason, waitMs);
      const ending = AbortSignal.any([signal, this.#stopped.signal]);
      // The loop ends by `#isEnding`.
      await sleep(waitMs, { signal: ending }).catch(() => {});
    }
  }

  #settle(outcomes: ReadonlyMap<PushFile, FileOutcome>): void {
    const { journal, onFile } = this.#options;
    const settled = [...outcomes].filter(([, { kind }]) => kind !== "failed");
    journal.record(settled.map(([{ absolutePath: _, ...entry }]) => entry));
    for (const [{ path, size }, outcome] of outcomes) {
      if (outcome.kind === "failed") onFile({ kind: "failed", path, reason: outcome.reason });
      else onFile({ path, size, ...outcome });
    }
  }
}
