/**
 * What a client's request to a store holds while it lasts: its time limit, its places under the
 * concurrency limits, and bodies that signing had to keep.
 *
 * @module
 */
import type { KeptBody } from "../credentials/authorizer.ts";
import type { ConcurrencyLimit } from "./concurrency_limit.ts";
import type { Deadlines, Exchange } from "./deadlines.ts";

/** One request that is under way. */
export class RunningRequest {
  /** Its time limit; aborts when it has passed or the client has gone. */
  readonly exchange: Exchange;
  /** Whether the store has answered: no further request of a batch may extend the time limit then. */
  isAnswered = false;
  readonly #deadlines: Deadlines;
  readonly #client: AbortSignal;
  readonly #entered: ConcurrencyLimit[] = [];
  readonly #kept = new Set<KeptBody>();

  /**
   * @param deadlines The time limits of the worker.
   * @param client Aborts when the client has gone.
   * @param limit How long the request may wait at first, and what for.
   */
  constructor(
    deadlines: Deadlines,
    client: AbortSignal,
    { limitMs, waitingFor }: { readonly limitMs: number; readonly waitingFor: string },
  ) {
    this.#deadlines = deadlines;
    this.#client = client;
    this.exchange = deadlines.begin(limitMs, waitingFor);
    client.addEventListener("abort", this, { once: true });
  }

  /** Aborts when the time limit has passed or the client has gone. */
  get signal(): AbortSignal {
    return this.exchange.signal;
  }

  /** The client has gone. */
  handleEvent(): void {
    this.exchange.abort(this.#client.reason);
  }

  /** From now on it goes on when the client has gone. */
  detach(): void {
    this.#client.removeEventListener("abort", this);
  }

  /** Sets a new time limit from now on. */
  extend(limitMs: number, waitingFor: string): void {
    this.#deadlines.extend(this.exchange, limitMs, waitingFor);
  }

  /**
   * Takes a place under a concurrency limit.
   *
   * @returns Undefined if there is one now, else a promise of it.
   * @throws {GatewayError} NET-011 when there is none in time.
   */
  enter(limit: ConcurrencyLimit): Promise<void> | undefined {
    const turn = limit.enter(this.signal);
    if (turn !== undefined) return turn.then(() => void this.#entered.push(limit));
    this.#entered.push(limit);
    return undefined;
  }

  /** Keeps a body until the end. The same one is given for each attempt. */
  readonly keep = (body: KeptBody): void => {
    this.#kept.add(body);
  };

  /** Gives its places back. */
  leave(): void {
    for (let limit = this.#entered.pop(); limit !== undefined; limit = this.#entered.pop()) {
      limit.leave();
    }
  }

  /** Forgets the time limit. */
  stopClock(): void {
    this.#deadlines.end(this.exchange);
  }

  /** Frees everything. */
  readonly end = (): void => {
    this.leave();
    this.stopClock();
    for (const body of this.#kept) body.close();
  };
}
