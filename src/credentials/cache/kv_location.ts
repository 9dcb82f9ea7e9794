/**
 * Where Deno KV keeps its data: a file, which may be removed or damaged while in use, or a service.
 * A damaged file is deleted: everything in it can be fetched again.
 */

export interface KvLocation {
  open(): Promise<Deno.Kv>;
  /** @returns Whether the data opened last has been replaced. */
  hasMoved?(): Promise<boolean>;
  /**
   * Makes the location usable again if possible.
   *
   * @returns Whether reopening may work at once.
   */
  repair?(error: unknown): Promise<boolean>;
}

/** SQLite's messages for damaged files. An I/O error: the log was removed while another worker had it open. */
const BROKEN = /not a database|malformed|disk I\/O error/;

/** The database, its log, and the log's index: all users must have the same three files open. */
const SUFFIXES = ["", "-wal", "-shm"] as const;

/** A file that workers and processes of this host share, created when absent. */
export class KvFile implements KvLocation {
  readonly #path: string;
  /** Of the open files; null if unknown, and on Windows, where open files cannot be removed. */
  #inodes: readonly (number | null)[] = [];

  /** @param path Absolute. */
  constructor(path: string) {
    this.#path = path;
  }

  async open(): Promise<Deno.Kv> {
    this.#inodes = [];
    const kv = await Deno.openKv(this.#path);
    this.#inodes = await this.#currentInodes();
    return kv;
  }

  async hasMoved(): Promise<boolean> {
    const opened = this.#inodes;
    if (opened.length === 0) return false;
    const current = await this.#currentInodes();
    // SQLite creates the log when it first needs it.
    if (opened === this.#inodes) {
      this.#inodes = opened.map((inode, i) => inode ?? current[i] ?? null);
    }
    return opened.some((inode, i) => inode !== null && inode !== current[i]);
  }

  async repair(error: unknown): Promise<boolean> {
    if (!(error instanceof Error) || !BROKEN.test(error.message)) return false;
    for (const suffix of SUFFIXES) await Deno.remove(this.#path + suffix).catch(() => {});
    return true;
  }

  async #currentInodes(): Promise<readonly (number | null)[]> {
    return await Promise.all(SUFFIXES.map(async (suffix) => {
      try {
        return (await Deno.stat(this.#path + suffix)).ino;
      } catch {
        return null;
      }
    }));
  }
}

/** A service that speaks KV Connect. */
export function kvService(url: string): KvLocation {
  return { open: () => Deno.openKv(url) };
}
