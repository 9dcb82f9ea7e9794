/**
 * Reads request bodies to their end before they are sent, because a signature covers their hash: into
 * memory up to a bound, above it into a file of the state directory. The file has no name any more by
 * the time anything is in it, and what is in it is encrypted with a key that exists in memory only, so
 * that neither a crash nor a stolen disk shows an image.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { BrokenBodyError } from "../../errors/broken_body_error.ts";
import { GatewayError } from "../../errors/gateway_error.ts";
import type { KeptBody } from "../authorizer.ts";
import { SizedBody } from "../../network/sized_body.ts";
import { SpoolFile } from "./spool_file.ts";

/** Bodies up to this length stay in memory. */
const MEMORY_LIMIT_BYTES = 1024 * 1024;

/** What a spool works with. */
export interface BodySpoolOptions {
  /** Absolute path of the state directory. */
  readonly directory: string;
  /** Name of the configured server, for messages. */
  readonly server: string;
  /** Creates a file in a directory and takes its name away; for tests. */
  readonly createFile?: (directory: string) => Deno.FsFile;
}

type Chunks = AsyncIterable<Uint8Array<ArrayBuffer>>;

/** Keeps the bodies of one server. */
export class BodySpool {
  readonly #options: BodySpoolOptions;

  /** @param options What it works with. */
  constructor(options: BodySpoolOptions) {
    this.#options = options;
  }

  /**
   * Reads a body to its end.
   *
   * @returns The body, kept; whoever asked closes it.
   * @throws {GatewayError} INT-003 when the file cannot be written, NET-005 when the body breaks off.
   * @throws The signal's reason when it aborts.
   */
  async keep(
    body: ReadableStream<Uint8Array<ArrayBuffer>>,
    signal: AbortSignal,
  ): Promise<KeptBody> {
    const hash = createHash("sha256");
    const first: Uint8Array<ArrayBuffer>[] = [];
    let length = 0;
    let file: SpoolFile | undefined;
    try {
      for await (const chunk of abortable(body, signal)) {
        hash.update(chunk);
        length += chunk.length;
        if (file === undefined && length <= MEMORY_LIMIT_BYTES) {
          first.push(chunk);
          continue;
        }
        file ??= await this.#createFile(first);
        await this.#writing(file.write(chunk));
      }
      await this.#writing(file?.finish());
    } catch (error) {
      file?.close();
      throw error;
    }
    const sha256 = hash.digest("hex");
    return file === undefined ? inMemory(first, length, sha256) : inFile(file, length, sha256);
  }

  async #createFile(first: Uint8Array<ArrayBuffer>[]): Promise<SpoolFile> {
    const { directory, createFile } = this.#options;
    const file = await this.#writing(SpoolFile.create(directory, createFile));
    try {
      for (const chunk of first.splice(0)) await this.#writing(file.write(chunk));
    } catch (error) {
      file.close();
      throw error;
    }
    return file;
  }

  async #writing<T>(written: Promise<T>): Promise<T>;
  async #writing<T>(written: Promise<T> | undefined): Promise<T | undefined>;
  async #writing<T>(written: Promise<T> | undefined): Promise<T | undefined> {
    try {
      return await written;
    } catch (cause) {
      const { server } = this.#options;
      throw new GatewayError(
        "INT-003",
        `Cannot hash a body for server "${server}" before it is sent: ${reason(cause)}`,
        { server, cause },
      );
    }
  }
}

/** Cancels the body when the signal aborts: a client that only stalls would be waited for. */
async function* abortable(
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
  signal: AbortSignal,
): Chunks {
  signal.throwIfAborted();
  const reader = body.getReader();
  const onAbort = () => void reader.cancel(signal.reason).catch(() => {});
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    for (;;) {
      const { done, value } = await read(reader, signal);
      if (done) return;
      yield value;
    }
  } finally {
    signal.removeEventListener("abort", onAbort);
    await reader.cancel().catch(() => {});
  }
}

async function read<T>(
  reader: ReadableStreamDefaultReader<T>,
  signal: AbortSignal,
): Promise<ReadableStreamReadResult<T>> {
  try {
    const result = await reader.read();
    signal.throwIfAborted();
    return result;
  } catch (cause) {
    if (signal.aborted) throw signal.reason;
    if (cause instanceof BrokenBodyError) throw cause;
    throw new BrokenBodyError("it broke off", { cause });
  }
}

function inMemory(
  chunks: readonly Uint8Array<ArrayBuffer>[],
  length: number,
  sha256: string,
): KeptBody {
  const bytes = new Uint8Array(length);
  let offset = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, offset);
    offset += chunk.length;
  }
  return { length, sha256, open: () => bytes, close: () => {} };
}

function inFile(file: SpoolFile, length: number, sha256: string): KeptBody {
  return {
    length,
    sha256,
    open: () => new SizedBody(length, () => file.read()),
    close: () => file.close(),
  };
}

function reason(cause: unknown): string {
  const code = (cause as { readonly code?: unknown } | null)?.code;
  if (code === "ENOSPC" || code === "EDQUOT") return "the disk of the state directory is full";
  if (cause instanceof Deno.errors.NotFound) return "there is no state directory";
  if (cause instanceof Deno.errors.PermissionDenied) {
    return "the state directory may not be written to";
  }
  return cause instanceof Error ? cause.message : "unknown reason";
}
