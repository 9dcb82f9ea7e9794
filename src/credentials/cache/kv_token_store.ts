/**
 * Tokens in Deno KV: a file that several workers and processes share, or a KV Connect service. It is
 * opened at first use, and reopened after it failed or was removed.
 */
import type { Clock } from "../../network/clock.ts";
import type { KvLocation } from "./kv_location.ts";
import type { StringStore } from "./token_store.ts";
import { limited, sleep } from "../../network/wait.ts";

interface Lease {
  readonly holder: string;
  /** Kept in the value because KV deletes entries some time after their `expireIn`. */
  readonly expiresAtMs: number;
}

/** Limit of retries while another process locks the file for writing. */
const LOCKED_LIMIT_MS = 800;

/** Retries of one operation after the file was reopened or deleted. */
const MAX_REPAIRS = 2;

/**
 * Deno KV waits for an unreachable service forever, with growing intervals between its attempts; a
 * new connection notices at once that the service is back.
 */
const OPERATION_TIMEOUT_MS = 900;

/** For the first opening, which is not part of any operation's time. */
const OPEN_TIMEOUT_MS = 2000;

export class KvTokenStore implements StringStore {
  readonly #location: KvLocation;
  readonly #clock: Pick<Clock, "now">;
  #kv: Promise<Deno.Kv> | undefined;
  #isClosed = false;

  constructor(location: KvLocation, clock: Pick<Clock, "now">) {
    this.#location = location;
    this.#clock = clock;
  }

  async open(): Promise<void> {
    if (this.#isClosed) return;
    const opened = this.#kv ??= this.#location.open();
    await limited(opened, OPEN_TIMEOUT_MS, () => new Error("no answer in time")).catch(() => {});
  }

  get(key: string): Promise<string | undefined> {
    return this.#use(async (kv) => (await kv.get<string>(kvKey("token", key))).value ?? undefined);
  }

  set(key: string, value: string, ttlMs: number): Promise<void> {
    return this.#set(kvKey("token", key), value, ttlMs);
  }

  delete(key: string): Promise<void> {
    return this.#use((kv) => kv.delete(kvKey("token", key)));
  }

  acquireLease(key: string, holder: string, ttlMs: number): Promise<boolean> {
    return this.#use(async (kv) => {
      const entry = await kv.get<Lease>(kvKey("lease", key));
      const nowMs = this.#clock.now();
      const isTaken = entry.value !== null && entry.value.holder !== holder &&
        nowMs < entry.value.expiresAtMs;
      if (isTaken) return false;
      const lease: Lease = { holder, expiresAtMs: nowMs + ttlMs };
      const { ok } = await kv.atomic()
        .check(entry)
        .set(entry.key, lease, { expireIn: ttlMs })
        .commit();
      return ok;
    });
  }

  releaseLease(key: string, holder: string): Promise<void> {
    return this.#use(async (kv) => {
      const entry = await kv.get<Lease>(kvKey("lease", key));
      if (entry.value?.holder !== holder) return;
      await kv.atomic().check(entry).delete(entry.key).commit();
    });
  }

  generation(key: string): Promise<string> {
    return this.#use(async (kv) => (await kv.get<string>(kvKey("generation", key))).value ?? "");
  }

  setGeneration(key: string, generation: string, ttlMs: number): Promise<void> {
    return this.#set(kvKey("generation", key), generation, ttlMs);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#reset(this.#kv);
  }

  #set(key: Deno.KvKey, value: string, expireIn: number): Promise<void> {
    return this.#use(async (kv) => void await kv.set(key, value, { expireIn }));
  }

  async #use<T>(operate: (kv: Deno.Kv) => Promise<T>): Promise<T> {
    const startMs = performance.now();
    let repairs = 0;
    for (let attempt = 1;; attempt++) {
      if (this.#isClosed) throw new Error("the store is closed");
      if (await this.#location.hasMoved?.()) await this.#reset(this.#kv);
      const opened = this.#kv ??= this.#location.open();
      try {
        const operation = opened.then(operate);
        return await limited(operation, OPERATION_TIMEOUT_MS, () => new Error("no answer in time"));
      } catch (error) {
        if (isLocked(error) && performance.now() - startMs < LOCKED_LIMIT_MS) {
          // To open the file fails in the same way, and must be tried anew.
          const isOpen = await opened.then(() => true, () => false);
          if (!isOpen) await this.#reset(opened);
          await sleep(10 * Math.min(attempt, 5) * Math.random());
          continue;
        }
        // A concurrent operation may have closed it.
        const isGone = opened !== this.#kv;
        await this.#reset(opened);
        const isWorthRetrying = isGone || await this.#location.repair?.(error);
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

/** SQLITE_BUSY, which Deno KV reports without waiting: nothing was written. */
function isLocked(error: unknown): boolean {
  return error instanceof Error && error.message.includes("database is locked");
}

function kvKey(kind: "token" | "generation" | "lease", key: string): Deno.KvKey {
  return ["dicomweb-gateway", kind, key];
}
