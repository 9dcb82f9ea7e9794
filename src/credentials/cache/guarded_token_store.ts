/**
 * Protects token managers from a store that fails or hangs: operations that requests wait for neither
 * throw nor exceed a time limit. While the store is unavailable, every read is a miss and every lease
 * is granted, so that each worker requests its own tokens.
 *
 * @module
 */
import type { Logger } from "../../telemetry/logger.ts";
import type { Metrics } from "../../telemetry/metrics.ts";
import type { Clock } from "../../network/clock.ts";
import { limited } from "../../network/wait.ts";
import type { Token, TokenStore } from "../token.ts";

const OPERATION_TIMEOUT_MS = 1000;

/** A failed store is not used for this time, so that not every operation waits for the timeout. */
const FIRST_PAUSE_MS = 2000;

/** Upper bound of the growing pause: operations that hang may accumulate. */
const LONGEST_PAUSE_MS = 32_000;

export class GuardedTokenStore implements TokenStore {
  readonly isShared: boolean;
  readonly #store: TokenStore;
  readonly #metrics: Pick<Metrics, "cacheErrors">;
  readonly #logger: Logger;
  readonly #clock: Clock;
  #opened: Promise<void> | undefined;
  #isDown = false;
  #pauseMs = FIRST_PAUSE_MS;
  #pausedUntilMs = 0;

  constructor(
    store: TokenStore,
    { metrics, logger, clock }: {
      readonly metrics: Pick<Metrics, "cacheErrors">;
      readonly logger: Logger;
      readonly clock: Clock;
    },
  ) {
    this.isShared = store.isShared;
    this.#store = store;
    this.#metrics = metrics;
    this.#logger = logger;
    this.#clock = clock;
  }

  /** Opens the store, once. Every operation waits for it before its own timeout starts. */
  open(): Promise<void> {
    return this.#opened ??= this.#store.open();
  }

  get(key: string): Promise<Token | undefined> {
    return this.#guard<Token | undefined>("get", () => this.#store.get(key), undefined);
  }

  set(key: string, token: Token): Promise<void> {
    return this.#guard("set", () => this.#store.set(key, token), undefined);
  }

  delete(key: string): Promise<void> {
    return this.#guard("delete", () => this.#store.delete(key), undefined);
  }

  acquireLease(key: string, holder: string, ttlMs: number): Promise<boolean> {
    return this.#guard("lease", () => this.#store.acquireLease(key, holder, ttlMs), true);
  }

  releaseLease(key: string, holder: string): Promise<void> {
    return this.#guard("lease", () => this.#store.releaseLease(key, holder), undefined);
  }

  generation(key: string): Promise<string | undefined> {
    const read = () => this.#store.generation(key);
    return this.#guard<string | undefined>("generation", read, undefined);
  }

  /** @throws If the store is unavailable: a revocation must report it. */
  setGeneration(key: string, generation: string, ttlMs: number): Promise<void> {
    const write = () => this.#store.setGeneration(key, generation, ttlMs);
    return this.#attempt("generation", write);
  }

  /** @throws If the store is unavailable: readiness depends on it. */
  ping(): Promise<void> {
    return this.#attempt("ping", () => this.#store.ping());
  }

  async close(): Promise<void> {
    await this.#limit(() => this.#store.close()).catch(() => {});
  }

  #guard<T>(operation: string, run: () => Promise<T>, otherwise: T): Promise<T> {
    return this.#attempt(operation, run).catch(() => otherwise);
  }

  async #attempt<T>(operation: string, run: () => Promise<T>): Promise<T> {
    if (this.#isPaused()) throw new Error("it failed a moment ago");
    // A store that is still opening has not failed: otherwise every starting worker and replica would
    // request its own token.
    await this.open();
    try {
      const result = await this.#limit(run);
      this.#recordRecovery();
      return result;
    } catch (error) {
      this.#recordFailure(operation, error);
      throw error;
    }
  }

  #isPaused(): boolean {
    return this.#clock.monotonic() < this.#pausedUntilMs;
  }

  #recordRecovery(): void {
    this.#pauseMs = FIRST_PAUSE_MS;
    if (!this.#isDown) return;
    this.#isDown = false;
    this.#logger.info("Token cache recovered");
  }

  #recordFailure(operation: string, error: unknown): void {
    this.#metrics.cacheErrors.inc({ operation });
    // Of several concurrent failures, the first sets the pause.
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
