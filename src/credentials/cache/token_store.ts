/**
 * The token cache of a worker, with or without a backend that others share. It protects token managers
 * from a backend that fails or hangs: operations that requests wait for neither throw nor exceed a
 * time limit. Without an available backend, every read is a miss and every lease is granted, so that
 * each worker requests its own tokens.
 */
import type { Logger } from "../../telemetry/logger.ts";
import type { Metrics } from "../../telemetry/metrics.ts";
import type { Clock } from "../../network/clock.ts";
import { limited } from "../../network/wait.ts";
import type { Token } from "../token.ts";
import type { TokenCipher } from "./token_cipher.ts";

const OPERATION_TIMEOUT_MS = 1000;

/** A failed backend is not used for this time, so that not every operation waits for the timeout. */
const FIRST_PAUSE_MS = 2000;

/** Upper bound of the growing pause: operations that hang may accumulate. */
const LONGEST_PAUSE_MS = 32_000;

/** The probe deletes its key; this is for one that is interrupted. */
const PROBE_TTL_MS = 10_000;

/** A cache outside this worker. It sees only keys and encrypted values. Every method but `open` may throw. */
export interface StringStore {
  /**
   * Prepares the first operation: loads the client library and connects, within its own time limit.
   * Never fails: the operations report why the store is unavailable.
   */
  open(): Promise<void>;
  get(key: string): Promise<string | undefined>;
  set(key: string, value: string, ttlMs: number): Promise<void>;
  delete(key: string): Promise<void>;
  /**
   * Acquires or extends the lease of a key: only its holder requests a token.
   *
   * @param holder A unique identifier.
   * @returns Whether the holder has the lease.
   */
  acquireLease(key: string, holder: string, ttlMs: number): Promise<boolean>;
  /** Releases the lease if the holder still has it. */
  releaseLease(key: string, holder: string): Promise<void>;
  /** @returns The generation, which every revocation changes; `""` before the first. */
  generation(key: string): Promise<string>;
  /** @param generation A unique identifier. */
  setGeneration(key: string, generation: string, ttlMs: number): Promise<void>;
  /** Fails if the configuration lacks a server that some keys need. */
  verify?(): Promise<void>;
  close(): Promise<void>;
}

export interface TokenBackend {
  readonly strings: StringStore;
  readonly cipher: Pick<TokenCipher, "encrypt" | "decrypt">;
}

export class TokenStore {
  readonly #backend: TokenBackend | undefined;
  readonly #metrics: Pick<Metrics, "cacheErrors">;
  readonly #logger: Logger;
  readonly #clock: Clock;
  readonly #onHealth: ((fault: string | undefined) => void) | undefined;
  /** Other workers and replicas probe at the same time. */
  readonly #probeId = crypto.randomUUID();
  #opened: Promise<void> | undefined;
  #probing: Promise<void> | undefined;
  #isDown = false;
  #pauseMs = FIRST_PAUSE_MS;
  #pausedUntilMs = 0;

  /** @param backend Undefined: token managers keep their tokens in memory only. */
  constructor(
    backend: TokenBackend | undefined,
    { metrics, logger, clock, onHealth }: {
      readonly metrics: Pick<Metrics, "cacheErrors">;
      readonly logger: Logger;
      readonly clock: Clock;
      /** Receives why the backend fails, and undefined when it works again. */
      readonly onHealth?: ((fault: string | undefined) => void) | undefined;
    },
  ) {
    this.#backend = backend;
    this.#metrics = metrics;
    this.#logger = logger;
    this.#clock = clock;
    this.#onHealth = onHealth;
  }

  /** Whether other workers or replicas use it too. */
  get isShared(): boolean {
    return this.#backend !== undefined;
  }

  /** Opens the backend, once. Every operation waits for it before its own timeout starts. */
  async open(): Promise<void> {
    await (this.#opened ??= this.#backend?.strings.open());
  }

  /** @returns The token; undefined if it is absent, expired or cannot be decrypted. */
  get(key: string): Promise<Token | undefined> {
    return this.#guard<Token | undefined>("get", async ({ strings, cipher }) => {
      const value = await strings.get(key);
      if (value === undefined) return undefined;
      const token = await cipher.decrypt(key, value);
      if (token === undefined) {
        this.#metrics.cacheErrors.inc({ operation: "decrypt" });
        this.#logger.debug(
          "Cannot decrypt a token cache entry: it is damaged or was encrypted with another key",
        );
        return undefined;
      }
      return this.#clock.now() < token.expiresAtMs ? token : undefined;
    }, undefined);
  }

  set(key: string, token: Token): Promise<void> {
    return this.#guard("set", async ({ strings, cipher }) => {
      const ttlMs = token.expiresAtMs - this.#clock.now();
      if (ttlMs > 0) await strings.set(key, await cipher.encrypt(key, token), ttlMs);
    }, undefined);
  }

  delete(key: string): Promise<void> {
    return this.#guard("delete", ({ strings }) => strings.delete(key), undefined);
  }

  acquireLease(key: string, holder: string, ttlMs: number): Promise<boolean> {
    return this.#guard("lease", ({ strings }) => strings.acquireLease(key, holder, ttlMs), true);
  }

  releaseLease(key: string, holder: string): Promise<void> {
    return this.#guard("lease", ({ strings }) => strings.releaseLease(key, holder), undefined);
  }

  /** @returns The generation; undefined if the backend is unavailable. */
  generation(key: string): Promise<string | undefined> {
    return this.#guard<string | undefined>(
      "generation",
      ({ strings }) => strings.generation(key),
      undefined,
    );
  }

  /** @throws If the backend is unavailable: a revocation must report it. */
  setGeneration(key: string, generation: string, ttlMs: number): Promise<void> {
    return this.#attempt(
      "generation",
      ({ strings }) => strings.setGeneration(key, generation, ttlMs),
      undefined,
    );
  }

  /**
   * Writes, reads, leases and deletes a key of its own: a replica answers reads, and a user of Redis may
   * lack a permission. Before that verifies the servers: the key may belong to any of them. Concurrent calls share one probe.
   *
   * @throws If the backend cannot be used: readiness depends on it.
   */
  probe(): Promise<void> {
    return this.#probing ??= this.#attempt("probe", async ({ strings }) => {
      await strings.verify?.();
      const key = `probe:${this.#probeId}`;
      await strings.set(key, this.#probeId, PROBE_TTL_MS);
      if (await strings.get(key) !== this.#probeId) throw new Error("it lost what was written");
      const isHolder = await strings.acquireLease(key, this.#probeId, PROBE_TTL_MS);
      if (!isHolder) throw new Error("it refused a lease that nobody holds");
      await strings.releaseLease(key, this.#probeId);
      await strings.delete(key);
    }, undefined).finally(() => this.#probing = undefined);
  }

  async close(): Promise<void> {
    const strings = this.#backend?.strings;
    if (strings !== undefined) await this.#limit(strings.close()).catch(() => {});
  }

  #guard<T>(
    operation: string,
    run: (backend: TokenBackend) => Promise<T>,
    otherwise: T,
  ): Promise<T> {
    return this.#attempt(operation, run, otherwise).catch(() => otherwise);
  }

  /** @param memoryOnly The result without a backend. */
  async #attempt<T>(
    operation: string,
    run: (backend: TokenBackend) => Promise<T>,
    memoryOnly: T,
  ): Promise<T> {
    if (this.#backend === undefined) return memoryOnly;
    if (this.#isPaused()) throw new Error("it failed a moment ago");
    // A backend that is still opening has not failed: otherwise every starting worker and replica
    // would request its own token.
    await this.open();
    try {
      const result = await this.#limit(run(this.#backend));
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
    this.#onHealth?.(undefined);
    this.#logger.info("Token cache recovered");
  }

  #recordFailure(operation: string, error: unknown): void {
    this.#metrics.cacheErrors.inc({ operation });
    // Of several concurrent failures, the first sets the pause.
    if (this.#isPaused()) return;
    this.#pausedUntilMs = this.#clock.monotonic() + this.#pauseMs;
    this.#pauseMs = Math.min(2 * this.#pauseMs, LONGEST_PAUSE_MS);
    const reason = error instanceof Error ? error.message.slice(0, 200) : "unknown";
    this.#onHealth?.(reason);
    if (this.#isDown) return;
    this.#isDown = true;
    this.#logger.warn("Token cache failed; continuing with tokens in memory only", {
      operation,
      reason,
    });
  }

  #limit<T>(result: Promise<T>): Promise<T> {
    const timeout = () => new Error(`no answer within ${OPERATION_TIMEOUT_MS} ms`);
    return limited(result, OPERATION_TIMEOUT_MS, timeout, this.#clock);
  }
}
