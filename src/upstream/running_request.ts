/**
 * The resources of one request to a store: its timeout, its places under the concurrency limits, and
 * bodies that signing had to keep.
 */
import type { KeptBody } from "../credentials/authorizer.ts";
import type { ConcurrencyLimit } from "./concurrency_limit.ts";
import type { Deadlines, Exchange } from "./deadlines.ts";

export class RunningRequest {
  /** Its timeout; aborts when that has passed or the client has gone. */
  readonly exchange: Exchange;
  /** Whether the store has responded: no further request of a batch may extend the timeout then. */
  isAnswered = false;
  readonly #deadlines: Deadlines;
  readonly #client: AbortSignal;
  readonly #entered: ConcurrencyLimit[] = [];
  readonly #kept = new Set<KeptBody>();

  /**
   * @param client Aborts when the client has gone.
   * @param limit The first timeout, and what is waited for.
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

  get signal(): AbortSignal {
    return this.exchange.signal;
  }

  /** The client has gone. */
  handleEvent(): void {
    this.exchange.abort(this.#client.reason);
  }

  /** Continues even if the client goes. */
  detach(): void {
    this.#client.removeEventListener("abort", this);
  }

  extend(limitMs: number, waitingFor: string): void {
    this.#deadlines.extend(this.exchange, limitMs, waitingFor);
  }

  /**
   * Takes a place under a concurrency limit.
   *
   * @returns Undefined if there is one now, otherwise a promise of it.
   * @throws {GatewayError} NET-011 if there is none in time.
   */
  enter(limit: ConcurrencyLimit): Promise<void> | undefined {
    const turn = limit.enter(this.signal);
    if (turn !== undefined) return turn.then(() => void this.#entered.push(limit));
    this.#entered.push(limit);
    return undefined;
  }

  /** Keeps a body until the end; each attempt passes the same one. */
  readonly keep = (body: KeptBody): void => {
    this.#kept.add(body);
  };

  leave(): void {
    for (let limit = this.#entered.pop(); limit !== undefined; limit = this.#entered.pop()) {
      limit.leave();
    }
  }

  stopClock(): void {
    this.#deadlines.end(this.exchange);
  }

  /**
   * Ends it without a response. Connections whose responses nobody reads any more are closed: they are
   * held while a further request of the exchange is sent.
   */
  fail(): void {
    this.end();
    // No failure of the store: its circuit breaker ignores such a reason.
    this.exchange.abort(new DOMException("The exchange has failed", "AbortError"));
  }

  readonly end = (): void => {
    this.leave();
    this.stopClock();
    for (const body of this.#kept) body.close();
  };
}
