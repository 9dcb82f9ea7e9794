/**
 * Remembers of each server how its last request ended, for whoever looks for what is wrong. One entry a
 * configured server; a worker knows of its own requests only.
 *
 * @module
 */
import type { GatewayError } from "../errors/gateway_error.ts";
import { type ToldError, toldError } from "./told_error.ts";

/** How the last request to a server ended. */
export interface LastOutcome {
  /** When, in milliseconds since the epoch. */
  readonly atMs: number;
  /** The status that the store answered; nothing where the request failed before. */
  readonly storeStatus: number | undefined;
  /** Why the request failed, where it did. */
  readonly error: ToldError | undefined;
}

/** What became of the last request to each server. */
export class LastOutcomes {
  readonly #outcomes = new Map<string, LastOutcome>();
  readonly #now: () => number;

  /** @param now The clock, in milliseconds since the epoch. */
  constructor(now: () => number) {
    this.#now = now;
  }

  /**
   * Tells that a store answered.
   *
   * @param server Name of the configured server.
   * @param storeStatus What it answered.
   */
  answered(server: string, storeStatus: number): void {
    this.#outcomes.set(server, { atMs: this.#now(), storeStatus, error: undefined });
  }

  /**
   * Tells that a request failed.
   *
   * @param server Name of the configured server.
   * @param error Why.
   */
  failed(server: string, error: GatewayError): void {
    const atMs = this.#now();
    this.#outcomes.set(server, { atMs, storeStatus: undefined, error: toldError(error, atMs) });
  }

  /**
   * How the last request ended.
   *
   * @param server Name of the configured server.
   * @returns Nothing where there was none.
   */
  of(server: string): LastOutcome | undefined {
    return this.#outcomes.get(server);
  }
}
