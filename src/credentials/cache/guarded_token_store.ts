/**
 * Stands between the token managers and a store that may fail or hang, so that traffic never
 * depends on the cache: nothing that traffic waits for throws or takes longer than a limit. Without
 * the store there is no token in it, and its lease is free: everyone asks the identity provider for
 * themselves.
 *
 * @module
 */
import type { Logger } from "../../telemetry/logger.ts";
import type { Metrics } from "../../telemetry/metrics.ts";
import type { Clock } from "../../network/clock.ts";
import { limited } from "../../network/wait.ts";
import type { Token, TokenStore } from "../token.ts";

/** Limit of one operation. */
const OPERATION_TIMEOUT_MS = 1000;

/** How long a store that failed is left alone, so that not every operation waits for the limit. */
const FIRST_PAUSE_MS = 2000;

/** The pause grows to this while the store stays away: what it hangs on may pile up. */
const LONGEST_PAUSE_MS = 32_000;

/** Where failures are told. */
export interface GuardedTokenStoreOptions {
  readonly metrics: Pick<Metrics, "cacheErrors">;
  readonly logger: Logger;
  readonly clock: Clock;
}

/** A store that does not fail. */
export class GuardedTokenStore implements TokenStore {
  readonly #store: TokenStore;
  readonly #metrics: Pick<Metrics, "cacheErrors">;
  readonly #logger: Logger;
  readonly #clock: Clock;
  #opened: Promise<void> | undefined;
  #isDown = false;
  #pauseMs = FIRST_PAUSE_MS;
  #pausedUntilMs = 0;

  /** @param store The store that may fail. */
  constructor(store: TokenStore, options: GuardedTokenStoreOptions) {
    this.#store = store;
    this.#metrics = options.metrics;
    this.#logger = options.logger;
    this.#clock = options.clock;
  }

  /** Opens the store, once. Every operation waits for it, and only then begins its own limit. */
  open(): Promise<void> {
    return this.#opened ??= this.#store.open();
  }

  /** @returns The token under this key, or nothing where it is absent or the store failed. */
  get(key: string): Promise<Token | undefined> {
    return this.#guard<Token | undefined>("get", () => this.#store.get(key), undefined);
  }

  /** Keeps a token, if it can. */
  set(key: string, token: Token): Promise<void> {
    return this.#guard("set", () => this.#store.set(key, token), undefined);
  }

  /** Drops a token, if it can. */
  delete(key: string): Promise<void> {
    return this.#guard("delete", () => this.#store.delete(key), undefined);
  }

  /** @returns Whether the lease is now the holder's, or the store failed and there is none. */
  acquireLease(key: string, holder: string, ttlMs: number): Promise<boolean> {
    return this.#guard("lease", () => this.#store.acquireLease(key, holder, ttlMs), true);
  }

  /** Gives the lease back, if it can. */
  releaseLease(key: string, holder: string): Promise<void> {
    return this.#guard("lease", () => this.#store.releaseLease(key, holder), undefined);
  }

  /** Whether others read and write it as well. */
  get isShared(): boolean {
    return this.#store.isShared;
  }

  /** @returns The generation of the tokens under this key, or nothing where the store failed. */
  generation(key: string): Promise<string | undefined> {
    const read = () => this.#store.generation(key);
    return this.#guard<string | undefined>("generation", read, undefined);
  }

  /** @throws When the store fails, or failed a moment ago: who revokes a token has to know. */
  setGeneration(key: string, generation: string, ttlMs: number): Promise<void> {
    const write = () => this.#store.setGeneration(key, generation, ttlMs);
    return this.#attempt("generation", write);
  }

  /** @throws When the store fails, or failed a moment ago: this is how readiness learns of it. */
  ping(): Promise<void> {
    return this.#attempt("ping", () => this.#store.ping());
  }

  /** Frees what is held, if it can. */
  async close(): Promise<void> {
    await this.#limit(() => this.#store.close()).catch(() => {});
  }

  #guard<T>(operation: string, run: () => Promise<T>, otherwise: T): Promise<T> {
    return this.#attempt(operation, run).catch(() => otherwise);
  }

  async #attempt<T>(operation: string, run: () => Promise<T>): Promise<T> {
    if (this.#isPaused()) throw new Error("it failed a moment ago");
    // A store that is still being opened has not failed: to say so would let every worker and replica
    // that starts ask the identity provider for itself.
    await this.open();
    try {
      const result = await this.#limit(run);
      this.#tellRecovery();
      return result;
    } catch (error) {
      this.#tellFailure(operation, error);
      throw error;
    }
  }

  #isPaused(): boolean {
    return this.#clock.monotonic() < this.#pausedUntilMs;
  }

  #tellRecovery(): void {
    this.#pauseMs = FIRST_PAUSE_MS;
    if (!this.#isDown) return;
    this.#isDown = false;
    this.#logger.info("Token cache recovered");
  }

  #tellFailure(operation: string, error: unknown): void {
    this.#metrics.cacheErrors.inc({ operation });
    // Of several that fail at once the first one sets the pause.
    if (this.#isPaused()) return;
    this.#pausedUntilMs = this.#clock.monotonic() + this.#pauseMs;
    this.#pauseMs = Math.min(2 * this.#pauseMs, LONGEST_PAUSE_MS);
    if (this.#isDown) return;
    this.#isDown = true;
    this.#logger.warn("Token cache failed; continuing with tokens in memory only", {
      operation,
      reason: error instanceof Error ? error.message.slice(0, 200) : "unknown",
    });
  }

  #limit<T>(run: () => Promise<T>): Promise<T> {
    const timeout = () => new Error(`no answer within ${OPERATION_TIMEOUT_MS} ms`);
    return limited(run(), OPERATION_TIMEOUT_MS, timeout, this.#clock);
  }
}
