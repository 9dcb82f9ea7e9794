/**
 * Where Deno KV keeps its data: a file, which may be removed or damaged while it is in use, or a
 * service. The file holds nothing that cannot be fetched again, so a damaged one is thrown away.
 *
 * @module
 */

/** Where a KV store is, and what can be done when it fails. */
export interface KvLocation {
  /** Opens it. */
  open(): Promise<Deno.Kv>;
  /** @returns Whether what was opened last is no longer what is there. */
  hasMoved(): Promise<boolean>;
  /**
   * Makes it usable again, if that is possible.
   *
   * @returns Whether opening it anew may help at once.
   */
  repair(error: unknown): Promise<boolean>;
}

/**
 * What SQLite says of files that it can make no sense of. An I/O error is one too: it comes when the
 * log beside the file was removed while another worker had it open.
 */
const BROKEN = /not a database|malformed|disk I\/O error/;

/** The database, its log, and the index of its log: all must be the same for all who share them. */
const SUFFIXES = ["", "-wal", "-shm"] as const;

/** A file that workers and processes of this host share. */
export class KvFile implements KvLocation {
  readonly #path: string;
  /** Of the files that are open; null where unknown, and on Windows, where they cannot be removed. */
  #inodes: readonly (number | null)[] = [];

  /** @param path Its absolute path. */
  constructor(path: string) {
    this.#path = path;
  }

  /** Opens it, and makes it where it is absent. */
  async open(): Promise<Deno.Kv> {
    this.#inodes = [];
    const kv = await Deno.openKv(this.#path);
    this.#inodes = await this.#currentInodes();
    return kv;
  }

  /** @returns Whether a file was removed or replaced: what was opened is then shared with no one. */
  async hasMoved(): Promise<boolean> {
    const opened = this.#inodes;
    if (opened.length === 0) return false;
    const current = await this.#currentInodes();
    // SQLite makes the log when it first needs it.
    if (opened === this.#inodes) {
      this.#inodes = opened.map((inode, i) => inode ?? current[i] ?? null);
    }
    return opened.some((inode, i) => inode !== null && inode !== current[i]);
  }

  /** Removes the files if SQLite cannot make sense of them. */
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
export class KvService implements KvLocation {
  readonly #url: string;

  /** @param url Its URL. */
  constructor(url: string) {
    this.#url = url;
  }

  /** Connects. */
  open(): Promise<Deno.Kv> {
    return Deno.openKv(this.#url);
  }

  /** @returns That it is where it was. */
  hasMoved(): Promise<boolean> {
    return Promise.resolve(false);
  }

  /** @returns That it cannot be repaired from here. */
  repair(): Promise<boolean> {
    return Promise.resolve(false);
  }
}
