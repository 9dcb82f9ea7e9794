/**
 * Where batches of uploads are held until they are sent: in memory up to a bound, and beyond it in
 * encrypted files without a name, up to another. All uploads of a worker share both.
 */
import { SpoolFile } from "../credentials/spool_file.ts";

export interface HoldingRoomOptions {
  readonly memoryBytes: number;
  readonly diskBytes: number;
  /** Absolute path of the state directory. */
  readonly directory: string;
  /** Creates a file in a directory and unlinks it; for tests. */
  readonly createFile?: (directory: string) => Deno.FsFile;
}

/** A number of bytes that can be taken and given back. */
export class ByteBudget {
  #left: number;

  constructor(bytes: number) {
    this.#left = bytes;
  }

  get left(): number {
    return this.#left;
  }

  /** Takes all of the bytes or none. */
  take(bytes: number): boolean {
    if (bytes > this.#left) return false;
    this.#left -= bytes;
    return true;
  }

  give(bytes: number): void {
    this.#left += bytes;
  }
}

export class HoldingRoom {
  readonly memory: ByteBudget;
  readonly disk: ByteBudget;
  readonly #options: HoldingRoomOptions;

  constructor(options: HoldingRoomOptions) {
    this.#options = options;
    this.memory = new ByteBudget(options.memoryBytes);
    this.disk = new ByteBudget(options.diskBytes);
  }

  /** @throws The error of the operating system. */
  createFile(): Promise<SpoolFile> {
    const { directory, createFile } = this.#options;
    return SpoolFile.create(directory, createFile);
  }
}
