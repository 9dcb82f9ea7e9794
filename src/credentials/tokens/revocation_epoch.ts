/**
 * Makes a revocation reach everyone who shares a token cache. Tokens are cached under their
 * generation, and a revocation begins a new one: no token of an earlier generation is found again,
 * whoever stored it and however late. Who holds a token in memory looks for a new generation every
 * few seconds in the background, so that no request waits for it. No clocks are compared.
 *
 * @module
 */
import { GatewayError } from "../../errors/gateway_error.ts";
import type { Clock } from "../../network/clock.ts";
import type { GuardedTokenStore } from "../cache/guarded_token_store.ts";

/** How long others may go on with a token that was revoked elsewhere. */
export const REVOCATION_CHECK_MS = 5000;

/** Longer than any token lives: by then nothing is left that the generation keeps from being found. */
const GENERATION_TTL_MS = 7 * 24 * 60 * 60 * 1000;

/** What a generation works with. */
export interface RevocationEpochOptions {
  /** Name of the configured server. */
  readonly server: string;
  readonly store: GuardedTokenStore;
  /** Of the tokens, whatever their generation. */
  readonly key: string;
  readonly clock: Clock;
  /** Whether there is a token in memory, which a revocation elsewhere would make outdated. */
  readonly isHolding: () => boolean;
  /** Is told that the tokens were revoked elsewhere. */
  readonly onRevoked: () => void;
}

/** The generation of one server's tokens that counts. */
export class RevocationEpoch {
  readonly #options: RevocationEpochOptions;
  #current = "";
  /** Whether the store has not been told of the current generation yet. */
  #isUntold = false;
  #cancel: (() => void) | undefined;

  /** @param options What it works with. */
  constructor(options: RevocationEpochOptions) {
    this.#options = options;
  }

  /** The generation. */
  get current(): string {
    return this.#current;
  }

  /** The key of its tokens in the store. */
  get key(): string {
    const { key } = this.#options;
    return this.#current === "" ? key : `${key}:${this.#current}`;
  }

  /** Looks for a generation that someone else began. Without the store the last one known counts. */
  async look(): Promise<void> {
    const { store, key, onRevoked } = this.#options;
    if (!store.isShared) return;
    const before = this.#current;
    if (this.#isUntold) return await this.#tell().catch(() => {});
    const found = await store.generation(key);
    // While the store was asked, another generation may have begun here.
    if (found === undefined || found === before || before !== this.#current) return;
    this.#current = found;
    if (found !== "") onRevoked();
  }

  /**
   * Begins a generation, here at once.
   *
   * @param generation An identifier no one else uses.
   * @throws {GatewayError} INT-002 when the store cannot be told now. It is as soon as it works again.
   */
  async begin(generation: string): Promise<void> {
    const { server, store } = this.#options;
    const outdated = this.key;
    this.#current = generation;
    this.#isUntold = true;
    this.watch();
    try {
      await this.#tell();
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

  /** Looks every few seconds from now on, for as long as that can make a difference. */
  watch(): void {
    const { clock, store } = this.#options;
    if (!store.isShared || this.#cancel !== undefined) return;
    this.#cancel = clock.after(REVOCATION_CHECK_MS, () => void this.#tick(), { background: true });
  }

  /** Stops looking. */
  close(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  async #tick(): Promise<void> {
    await this.look();
    const isClosed = this.#cancel === undefined;
    this.#cancel = undefined;
    if (!isClosed && (this.#isUntold || this.#options.isHolding())) this.watch();
  }

  async #tell(): Promise<void> {
    const { store, key } = this.#options;
    const generation = this.#current;
    await store.setGeneration(key, generation, GENERATION_TTL_MS);
    if (generation === this.#current) this.#isUntold = false;
  }
}
