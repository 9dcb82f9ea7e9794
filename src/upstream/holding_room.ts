/**
 * Where batches of uploads are held until they are sent: in memory up to a bound, and beyond it in
 * encrypted files without a name, up to another. All uploads of a worker share both.
 */
import { SpoolFile } from "../credentials/spool_file.ts";
import type { Metrics } from "../telemetry/metrics.ts";

export interface HoldingRoomOptions {
  readonly memoryBytes: number;
  readonly diskBytes: number;
  /** Absolute path of the state directory. */
  readonly directory: string;
  readonly metrics?: Metrics | undefined;
  /** Creates a file in a directory and unlinks it; for tests. */
  readonly createFile?: (directory: string) => Deno.FsFile;
}

/** Holds bytes of a budget until others need them. */
export interface Evictable {
  readonly bytes: number;
  /** Gives at least so many bytes back, or all. */
  evict(bytes: number): void;
}

/** A number of bytes that can be taken and given back. */
export class ByteBudget {
  readonly total: number;
  #free: number;
  #evictable: Evictable | undefined;

  constructor(bytes: number) {
    this.total = bytes;
    this.#free = bytes;
  }

  get taken(): number {
    return this.total - this.#free;
  }

  /** What can be taken, with what would be evicted for it. */
  get left(): number {
    return this.#free + (this.#evictable?.bytes ?? 0);
  }

  /** What can be taken without evicting anything. */
  get free(): number {
    return this.#free;
  }

  /** Of what was taken, this gives way to others. */
  set evictable(evictable: Evictable) {
    this.#evictable = evictable;
  }

  /** Takes all of the bytes or none. */
  take(bytes: number): boolean {
    if (bytes > this.left) return false;
    this.give(-bytes);
    return true;
  }

  /** @param bytes Negative for those that are there already, whether there is room or not. */
  give(bytes: number): void {
    this.#free += bytes;
    if (this.#free < 0 && bytes < 0) this.#evictable?.evict(-this.#free);
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
    const { metrics } = options;
    metrics?.beforeRead.add(() => {
      metrics.uploadHeldBytes.set({ place: "memory" }, this.memory.taken);
      metrics.uploadHeldBytes.set({ place: "disk" }, this.disk.taken);
    });
  }

  /** @throws The error of the operating system. */
  createFile(): Promise<SpoolFile> {
    const { directory, createFile } = this.#options;
    return SpoolFile.create(directory, createFile);
  }
}
