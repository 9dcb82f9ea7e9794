/**
 * Tokens in Deno KV: a file that several workers and processes open at once, or a service that
 * speaks KV Connect. It is opened when first needed, and anew after it failed or was removed, so
 * that neither is of lasting harm.
 *
 * @module
 */
import type { Clock } from "../../network/clock.ts";
import type { KvLocation } from "./kv_location.ts";
import type { StringStore } from "../token.ts";
import { limited, sleep } from "../../network/wait.ts";

/** Who holds a lease, and until when. */
interface Lease {
  readonly holder: string;
  /** KV drops entries some time after their `expireIn`, so the end is kept in the value too. */
  readonly expiresAtMs: number;
}

/** How long to try while another process writes to the file, which refuses all others meanwhile. */
const LOCKED_LIMIT_MS = 800;

/** How often one operation is tried again after the file was opened anew or thrown away. */
const MAX_REPAIRS = 2;

/**
 * Limit of one operation. Deno KV waits for a service that is away without end, and between its own
 * attempts ever longer; a new connection finds at once that the service is back.
 */
const OPERATION_LIMIT_MS = 900;

/** Limit of opening it for the first time, which counts against no operation. */
const OPEN_LIMIT_MS = 2000;

/** Keeps strings in Deno KV. */
export class KvTokenStore implements StringStore {
  readonly #location: KvLocation;
  readonly #clock: Pick<Clock, "now">;
  #kv: Promise<Deno.Kv> | undefined;
  #isClosed = false;

  constructor(location: KvLocation, clock: Pick<Clock, "now">) {
    this.#location = location;
    this.#clock = clock;
  }

  /** Opens it, or attempts to. */
  async open(): Promise<void> {
    if (this.#isClosed) return;
    const opened = this.#kv ??= this.#location.open();
    await limited(opened, OPEN_LIMIT_MS, () => new Error("no answer in time")).catch(() => {});
  }

  /** @returns The string under this key, or nothing where it is absent. */
  get(key: string): Promise<string | undefined> {
    return this.#use(async (kv) => (await kv.get<string>(tokenKey(key))).value ?? undefined);
  }

  /** Keeps a string. */
  set(key: string, value: string, ttlMs: number): Promise<void> {
    return this.#use(async (kv) => void await kv.set(tokenKey(key), value, { expireIn: ttlMs }));
  }

  /** Drops the string under this key. */
  delete(key: string): Promise<void> {
    return this.#use((kv) => kv.delete(tokenKey(key)));
  }

  /** @returns Whether the lease is now the holder's; one already the holder's is extended. */
  acquireLease(key: string, holder: string, ttlMs: number): Promise<boolean> {
    return this.#use(async (kv) => {
      const entry = await kv.get<Lease>(leaseKey(key));
      const nowMs = this.#clock.now();
      const isTaken = entry.value !== null && entry.value.holder !== holder &&
        nowMs < entry.value.expiresAtMs;
      if (isTaken) return false;
      const lease: Lease = { holder, expiresAtMs: nowMs + ttlMs };
      const { ok } = await kv.atomic()
        .check(entry)
        .set(leaseKey(key), lease, { expireIn: ttlMs })
        .commit();
      return ok;
    });
  }

  /** Gives the lease back, if it is still the holder's. */
  releaseLease(key: string, holder: string): Promise<void> {
    return this.#use(async (kv) => {
      const entry = await kv.get<Lease>(leaseKey(key));
      if (entry.value?.holder !== holder) return;
      await kv.atomic().check(entry).delete(leaseKey(key)).commit();
    });
  }

  /** @returns The generation of the tokens under this key, `""` before the first. */
  generation(key: string): Promise<string> {
    return this.#use(async (kv) => (await kv.get<string>(generationKey(key))).value ?? "");
  }

  /** Begins another generation of the tokens under this key. */
  setGeneration(key: string, generation: string, ttlMs: number): Promise<void> {
    return this.#use(async (kv) =>
      void await kv.set(generationKey(key), generation, { expireIn: ttlMs })
    );
  }

  /** @throws When the store cannot be read. */
  ping(): Promise<void> {
    return this.#use(async (kv) => void await kv.get(["dicomweb-gateway"]));
  }

  /** Closes the file or connection. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#reset(this.#kv);
  }

  async #use<T>(operate: (kv: Deno.Kv) => Promise<T>): Promise<T> {
    const startMs = performance.now();
    let repairs = 0;
    for (let attempt = 1;; attempt++) {
      if (this.#isClosed) throw new Error("the store is closed");
      if (await this.#location.hasMoved()) await this.#reset(this.#kv);
      const opened = this.#kv ??= this.#location.open();
      try {
        const operation = opened.then(operate);
        return await limited(operation, OPERATION_LIMIT_MS, () => new Error("no answer in time"));
      } catch (error) {
        if (isLocked(error) && performance.now() - startMs < LOCKED_LIMIT_MS) {
          await sleep(10 * Math.min(attempt, 5) * Math.random());
          continue;
        }
        // Another operation may have closed it under this one.
        const isGone = opened !== this.#kv;
        await this.#reset(opened);
        const isWorthRetrying = isGone || await this.#location.repair(error);
        if (!isWorthRetrying || ++repairs > MAX_REPAIRS) throw error;
      }
    }
  }

  async #reset(opened: Promise<Deno.Kv> | undefined): Promise<void> {
    if (opened === undefined || opened !== this.#kv) return;
    this.#kv = undefined;
    await opened.then((kv) => kv.close(), () => {});
  }
}

/** SQLite's SQLITE_BUSY, which Deno KV hands on without waiting: nothing was written. */
function isLocked(error: unknown): boolean {
  return error instanceof Error && error.message.includes("database is locked");
}

function tokenKey(key: string): Deno.KvKey {
  return ["dicomweb-gateway", "token", key];
}

function generationKey(key: string): Deno.KvKey {
  return ["dicomweb-gateway", "generation", key];
}

function leaseKey(key: string): Deno.KvKey {
  return ["dicomweb-gateway", "lease", key];
}
