/**
 * Reads request bodies to their end before they are sent, because a signature covers their hash: into
 * memory up to a bound, above it into a file of the state directory. The file is unlinked before
 * anything is written, and encrypted with a key that exists in memory only, so that neither a crash nor
 * a stolen disk reveals an image.
 */
import { createHash } from "node:crypto";
import { BrokenBodyError } from "../../errors/broken_body_error.ts";
import { GatewayError } from "../../errors/gateway_error.ts";
import type { KeptBody } from "../authorizer.ts";
import { SizedBody } from "../../network/sized_body.ts";
import { SpoolFile } from "../spool_file.ts";

/** Bodies up to this length stay in memory. */
const MEMORY_LIMIT_BYTES = 1024 * 1024;

/** Where bodies are kept. */
export interface BodySpoolOptions {
  /** Absolute path of the state directory. */
  readonly directory: string;
  /** Name of the configured server, for messages. */
  readonly server: string;
  /** Receives why a body could not be written, and undefined when one was. */
  readonly onHealth?: ((fault: string | undefined) => void) | undefined;
  /** Creates a file in a directory and unlinks it; for tests. */
  readonly createFile?: (directory: string) => Deno.FsFile;
}

/** Keeps the bodies of one server. */
export class BodySpool {
  readonly #options: BodySpoolOptions;

  constructor(options: BodySpoolOptions) {
    this.#options = options;
  }

  /**
   * Reads a body to its end.
   *
   * @returns The body; the caller closes it.
   * @throws {GatewayError} INT-003 if the file cannot be written, NET-005 if the body breaks off.
   * @throws The signal's reason when it aborts.
   */
  async keep(
    body: ReadableStream<Uint8Array<ArrayBuffer>>,
    signal: AbortSignal,
  ): Promise<KeptBody> {
    const { directory, createFile } = this.#options;
    const hash = createHash("sha256");
    const held: Uint8Array<ArrayBuffer>[] = [];
    let length = 0;
    let file: SpoolFile | undefined;
    try {
      for await (const chunk of chunksOf(body, signal)) {
        hash.update(chunk);
        length += chunk.length;
        held.push(chunk);
        if (length <= MEMORY_LIMIT_BYTES) continue;
        file ??= await this.#writing(SpoolFile.create(directory, createFile));
        for (const bytes of held.splice(0)) await this.#writing(file.write(bytes));
      }
      if (file !== undefined) this.#options.onHealth?.(undefined);
    } catch (error) {
      file?.close();
      throw error;
    }
    const sha256 = hash.digest("hex");
    return file === undefined ? inMemory(held, length, sha256) : inFile(file, length, sha256);
  }

  async #writing<T>(written: Promise<T>): Promise<T> {
    try {
      return await written;
    } catch (cause) {
      const { server, onHealth } = this.#options;
      const why = reason(cause);
      onHealth?.(why);
      throw new GatewayError(
        "INT-003",
        `Cannot hash a body for server "${server}" before it is sent: ${why}`,
        { server, cause },
      );
    }
  }
}

/** Cancels the body when the signal aborts, so that it does not wait for a stalled client. */
async function* chunksOf(
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
  signal: AbortSignal,
): AsyncIterable<Uint8Array<ArrayBuffer>> {
  signal.throwIfAborted();
  const reader = body.getReader();
  const onAbort = () => void reader.cancel(signal.reason).catch(() => {});
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    for (;;) {
      const { done, value } = await reader.read();
      signal.throwIfAborted();
      if (done) return;
      yield value;
    }
  } catch (cause) {
    if (signal.aborted) throw signal.reason;
    if (cause instanceof BrokenBodyError) throw cause;
    throw new BrokenBodyError("it broke off", { cause });
  } finally {
    signal.removeEventListener("abort", onAbort);
    await reader.cancel().catch(() => {});
  }
}

function inMemory(chunks: readonly Uint8Array[], length: number, sha256: string): KeptBody {
  const bytes = new Uint8Array(length);
  let offset = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, offset);
    offset += chunk.length;
  }
  return { length, sha256: () => sha256, open: () => bytes, close: () => {} };
}

function inFile(file: SpoolFile, length: number, sha256: string): KeptBody {
  return {
    length,
    sha256: () => sha256,
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
