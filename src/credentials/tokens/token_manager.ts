/**
 * Keeps the token of one server. Requests do not wait while it is valid; at most one token request is
 * in flight among all that share the store; the token is renewed in the background before it expires,
 * and stays in use if that fails.
 */
import type { ResilienceConfig } from "../../config/keys/resilience.ts";
import { GatewayError } from "../../errors/gateway_error.ts";
import type { AuditEvent } from "../../telemetry/audit_event.ts";
import type { Logger } from "../../telemetry/logger.ts";
import type { Metrics } from "../../telemetry/metrics.ts";
import { abortable } from "../../network/wait.ts";
import type { Clock } from "../../network/clock.ts";
import type { TokenStore } from "../cache/token_store.ts";
import { type HeldToken, holdToken, isAlive, isCredible } from "./held_token.ts";
import { RefusalLimit } from "./refusal_limit.ts";
import { RenewalSchedule } from "./renewal_schedule.ts";
import type { Token, TokenSource } from "../token.ts";
import { RevocationEpoch } from "./revocation_epoch.ts";
import { TokenEvents } from "./token_events.ts";
import { acquireShared, LEASE_TTL_MS } from "./token_lease.ts";
import { cannotFetch } from "../provider_exchange.ts";
import { TokenRequestPolicy } from "./token_request_policy.ts";

export interface TokenManagerOptions {
  /** Name of the configured server. */
  readonly server: string;
  readonly source: TokenSource;
  readonly store: TokenStore;
  /** Time before expiry at which a token is renewed; at most half its lifetime counts. */
  readonly refreshBufferMs: number;
  /** Limit of one token request; the source enforces it. */
  readonly tokenTimeoutMs: number;
  readonly resilience: ResilienceConfig;
  readonly metrics: Metrics;
  readonly logger: Logger;
  /** Receives security events. */
  readonly security: Logger;
  /** Receives events for the audit trail. */
  readonly onTokenEvent?: ((event: AuditEvent) => void) | undefined;
  readonly clock: Clock;
  /** From 0 to 1, for jitter; `Math.random` by default. */
  readonly random?: () => number;
}

interface FlightPlan {
  /** Whether a token from the store may be used. */
  readonly accepts: (stored: Token) => boolean;
  /** Send a request even shortly after a refusal. */
  readonly now?: boolean;
}

export class TokenManager {
  readonly #options: TokenManagerOptions;
  readonly #epoch: RevocationEpoch;
  readonly #random: () => number;
  readonly #policy: TokenRequestPolicy;
  readonly #refusals: RefusalLimit;
  readonly #schedule: RenewalSchedule;
  readonly #events: TokenEvents;
  readonly #hits: { inc(): void };
  readonly #closing = new AbortController();
  #held: HeldToken | undefined;
  #flight: Promise<Token> | undefined;
  #rejectedValue: string | undefined;

  constructor(options: TokenManagerOptions) {
    this.#options = options;
    this.#epoch = new RevocationEpoch({
      ...options,
      key: `${options.server}:${options.source.fingerprint}`,
      hasToken: () => this.current() !== undefined,
      onRevoked: () => {
        this.#drop();
        this.#events.revoked("by a worker or replica that shares the cache");
      },
    });
    this.#events = new TokenEvents(options);
    const random = this.#random = options.random ?? Math.random;
    this.#policy = new TokenRequestPolicy({ ...options, random });
    this.#refusals = new RefusalLimit(options.clock);
    const renew = () => void this.#renewInBackground();
    this.#schedule = new RenewalSchedule({ ...options, random, renew });
    this.#hits = options.metrics.cacheHits.labels(options.server);
  }

  /** The token endpoint or metadata service. */
  get endpoint(): string {
    return this.#options.source.endpoint;
  }

  /** Expiry of the last token, in the past if renewal failed. */
  get expiresAtMs(): number | undefined {
    return this.#held?.token.expiresAtMs;
  }

  /** @returns The token in memory if it is valid. */
  current(): Token | undefined {
    const held = this.#held;
    return held !== undefined && isAlive(held, this.#options.clock) ? held.token : undefined;
  }

  /**
   * The token for a request; not a promise if there is a valid one, because every request takes this path.
   *
   * @param signal Ends the wait of this caller; the token request continues for the others.
   * @throws {GatewayError} If no token is available.
   * @throws The signal's reason when it aborts.
   */
  token(signal: AbortSignal): Token | Promise<Token> {
    const token = this.current();
    if (token !== undefined) {
      this.#hits.inc();
      return token;
    }
    this.#options.metrics.cacheMisses.inc({ server: this.#options.server });
    return abortable(this.#fetch({ accepts: (stored) => this.#isUsable(stored) }), signal);
  }

  /**
   * Discards a token that the store rejected. A new token that is rejected as well stays in use for a
   * while: the cause is then another, and repeated token requests would not help.
   *
   * @returns Whether `token` may return another token now.
   */
  async invalidate(token: Token): Promise<boolean> {
    if (this.#held?.token.value !== token.value) return true;
    if (!this.#refusals.permit()) return false;
    const { store } = this.#options;
    this.#rejectedValue = token.value;
    this.#drop();
    this.#events.discarded();
    // Another worker may have replaced it already: its token is kept.
    const { key } = this.#epoch;
    const stored = await store.get(key);
    if (stored?.value === token.value) await store.delete(key);
    return true;
  }

  /**
   * Revokes the token, also one being fetched, for all that share the store; others notice within seconds.
   *
   * @param revocation A new identifier; repeating one has no effect.
   * @throws {GatewayError} INT-002 if it was discarded here, but the store is unavailable; the
   * revocation is written as soon as it recovers.
   */
  async forget(revocation: string): Promise<void> {
    if (revocation === this.#epoch.current) return;
    this.#drop();
    this.#events.revoked("here");
    await this.#epoch.begin(revocation);
  }

  /**
   * Fetches a new token now; the current one stays in use if that fails.
   *
   * @param signal Ends the wait of this caller.
   * @throws {GatewayError} If no token is available.
   */
  async renew(signal: AbortSignal): Promise<void> {
    while (this.#flight !== undefined) await abortable(this.#flight.catch(() => {}), signal);
    await abortable(this.#fetch({ accepts: () => false, now: true }), signal);
  }

  /** Ends background work and requests in flight; a valid token can still be used. */
  async close(): Promise<void> {
    this.#closing.abort(cannotFetch("INT-002", this.#options.server, "closing"));
    this.#schedule.cancel();
    this.#epoch.close();
    await this.#flight?.catch(() => {});
  }

  /** Joins the flight in progress or starts one; there is never more than one. */
  #fetch(plan: FlightPlan): Promise<Token> {
    return this.#flight ??= this.#runFlight(plan).finally(() => this.#flight = undefined);
  }

  /** Repeats the acquisition if the token was revoked meanwhile. */
  async #runFlight(plan: FlightPlan): Promise<Token> {
    const { signal } = this.#closing;
    try {
      for (;;) {
        signal.throwIfAborted();
        await this.#epoch.refresh();
        const { current } = this.#epoch;
        const token = await this.#acquire(plan, (token, isFetched) => {
          if (current === this.#epoch.current) this.#adopt(token, isFetched);
        });
        if (current === this.#epoch.current) return token;
      }
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      this.#events.acquisitionFailed(error, this.current() !== undefined);
      throw error;
    }
  }

  async #acquire(
    { accepts, now = false }: FlightPlan,
    adopt: (token: Token, isFetched: boolean) => void,
  ): Promise<Token> {
    const { source, store, clock, tokenTimeoutMs } = this.#options;
    const { signal } = this.#closing;
    const token = await acquireShared({
      store,
      key: this.#epoch.key,
      clock,
      random: this.#random,
      maxWaitMs: tokenTimeoutMs + LEASE_TTL_MS,
      accepts: async (stored) =>
        accepts(stored) && (await source.accepts?.(stored, signal) ?? true),
      signal,
      acquire: async () => {
        const token = await this.#policy.execute(() => source.acquire(signal), signal, { now });
        // Before storing it, which may take a while.
        adopt(token, true);
        return token;
      },
    });
    adopt(token, false);
    return token;
  }

  async #renewInBackground(): Promise<void> {
    try {
      await this.#fetch({ accepts: (stored) => this.#isUsable(stored) && this.#isNewer(stored) });
    } catch (error) {
      if (this.#closing.signal.aborted) return;
      const retryAfterSeconds = error instanceof GatewayError ? error.retryAfterSeconds : undefined;
      const held = this.#held;
      const retryInMs = held && this.#schedule.planRetry(held, (retryAfterSeconds ?? 0) * 1000);
      this.#events.renewalFailed(error, held?.token, retryInMs);
    }
  }

  #isUsable(stored: Token): boolean {
    if (stored.value === this.#rejectedValue) return false;
    // Our own token: by a wall clock that was set back, it would seem valid for longer.
    if (stored.value === this.#held?.token.value) return isAlive(this.#held, this.#options.clock);
    return isCredible(stored, this.#options.clock.now());
  }

  #isNewer(stored: Token): boolean {
    return this.#held === undefined || stored.expiresAtMs > this.#held.token.expiresAtMs;
  }

  #adopt(token: Token, isFetched: boolean): void {
    if (token === this.#held?.token || this.#closing.signal.aborted) return;
    const how = !isFetched ? "taken over" : this.#held === undefined ? "acquired" : "renewed";
    this.#held = holdToken(token, this.#options.clock);
    this.#schedule.plan(this.#held);
    this.#epoch.watch();
    this.#events.adopted(token, how);
  }

  #drop(): void {
    this.#held = undefined;
    this.#schedule.cancel();
  }
}
