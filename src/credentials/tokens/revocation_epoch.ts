/**
 * Propagates revocations to all workers and replicas that share a token cache. The cache key contains
 * a generation, and a revocation begins a new one: tokens of earlier generations are never found
 * again, however late they are stored. While there is a token in memory, the generation is read every
 * few seconds in the background, so that no request waits for it. No clocks are compared.
 */
import { GatewayError } from "../../errors/gateway_error.ts";
import type { Clock } from "../../network/clock.ts";
import type { TokenStore } from "../cache/token_store.ts";

/** Limit for using a token that was revoked elsewhere. */
export const REVOCATION_CHECK_MS = 5000;

/** Longer than the lifetime of any token that the generation excludes. */
const GENERATION_TTL_MS = 7 * 24 * 60 * 60 * 1000;

export interface RevocationEpochOptions {
  /** Name of the configured server. */
  readonly server: string;
  readonly store: TokenStore;
  /** Cache key of the tokens, without the generation. */
  readonly key: string;
  readonly clock: Clock;
  /** Whether there is a token in memory. */
  readonly hasToken: () => boolean;
  /** Called after a revocation elsewhere. */
  readonly onRevoked: () => void;
}

/** The current generation of one server's tokens. */
export class RevocationEpoch {
  readonly #options: RevocationEpochOptions;
  #current = "";
  /** Whether the current generation has yet to be written to the store. */
  #isUnsaved = false;
  #cancel: (() => void) | undefined;

  constructor(options: RevocationEpochOptions) {
    this.#options = options;
  }

  get current(): string {
    return this.#current;
  }

  /** Cache key of the current generation's tokens. */
  get key(): string {
    const { key } = this.#options;
    return this.#current === "" ? key : `${key}:${this.#current}`;
  }

  /** Reads the generation from the store; if that fails, the last known one stays. */
  async refresh(): Promise<void> {
    const { store, key, onRevoked } = this.#options;
    if (!store.isShared) return;
    const before = this.#current;
    if (this.#isUnsaved) return await this.#save().catch(() => {});
    const found = await store.generation(key);
    // Meanwhile, another generation may have begun here.
    if (found === undefined || found === before || before !== this.#current) return;
    this.#current = found;
    if (found !== "") onRevoked();
  }

  /**
   * Begins a generation, in this worker at once.
   *
   * @param generation A unique identifier.
   * @throws {GatewayError} INT-002 if the store is unavailable; it is written as soon as it recovers.
   */
  async begin(generation: string): Promise<void> {
    const { server, store } = this.#options;
    const outdated = this.key;
    this.#current = generation;
    this.#isUnsaved = true;
    this.watch();
    try {
      await this.#save();
    } catch (cause) {
      const state =
        "it was discarded here, but the shared token cache is unreachable; other replicas " +
        "discard it when the cache is reachable again";
      throw new GatewayError("INT-002", `Cannot revoke the token of server "${server}": ${state}`, {
        server,
        cause,
      });
    }
    await store.delete(outdated);
  }

  /** Refreshes every few seconds while there is a token or an unsaved generation. */
  watch(): void {
    const { clock, store } = this.#options;
    if (!store.isShared || this.#cancel !== undefined) return;
    this.#cancel = clock.after(REVOCATION_CHECK_MS, () => void this.#tick(), { background: true });
  }

  close(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  async #tick(): Promise<void> {
    await this.refresh();
    const isClosed = this.#cancel === undefined;
    this.#cancel = undefined;
    if (!isClosed && (this.#isUnsaved || this.#options.hasToken())) this.watch();
  }

  async #save(): Promise<void> {
    const { store, key } = this.#options;
    const generation = this.#current;
    await store.setGeneration(key, generation, GENERATION_TTL_MS);
    if (generation === this.#current) this.#isUnsaved = false;
  }
}
