/**
 * Keeps the token of one server at hand. A request that finds it valid does not wait; one token
 * request at most is in flight, here and among all who share the store; the token is renewed in
 * the background before it expires, and a renewal that fails leaves the old one in use until then.
 *
 * @module
 */
import type { ResilienceConfig } from "../../config/keys/resilience.ts";
import { GatewayError } from "../../errors/gateway_error.ts";
import type { AuditEvent } from "../../telemetry/audit_event.ts";
import type { Logger } from "../../telemetry/logger.ts";
import type { Metrics } from "../../telemetry/metrics.ts";
import { abortable } from "../../network/wait.ts";
import type { Clock } from "../../network/clock.ts";
import type { GuardedTokenStore } from "../cache/guarded_token_store.ts";
import { type HeldToken, holdToken, isAlive, isCredible } from "./held_token.ts";
import { RefusalLimit } from "./refusal_limit.ts";
import { RenewalSchedule } from "./renewal_schedule.ts";
import type { Token, TokenSource } from "../token.ts";
import { RevocationEpoch } from "./revocation_epoch.ts";
import { TokenEvents } from "./token_events.ts";
import { acquireShared, LEASE_TTL_MS } from "./token_lease.ts";
import { TokenRequestPolicy } from "./token_request_policy.ts";

/** What a token manager works with. */
export interface TokenManagerOptions {
  /** Name of the configured server. */
  readonly server: string;
  readonly source: TokenSource;
  readonly store: GuardedTokenStore;
  /** How long before its expiry a token is renewed; at most half its life. */
  readonly refreshBufferMs: number;
  /** Limit of one token request, which the source keeps. */
  readonly tokenTimeoutMs: number;
  readonly resilience: ResilienceConfig;
  readonly metrics: Metrics;
  readonly logger: Logger;
  /** Told what becomes of the token, for the audit trail. */
  readonly onTokenEvent?: ((event: AuditEvent) => void) | undefined;
  readonly clock: Clock;
  /** A number from 0 up to 1, for jitter; `Math.random` unless given. */
  readonly random?: () => number;
}

/** What a flight is for. */
interface FlightPlan {
  /** Whether a token found in the store will do. */
  readonly accepts: (stored: Token) => boolean;
  /** Ask even if the provider has just refused. */
  readonly now?: boolean;
}

/** Keeps the token of one server. */
export class TokenManager {
  readonly #options: TokenManagerOptions;
  readonly #generation: RevocationEpoch;
  readonly #random: () => number;
  readonly #policy: TokenRequestPolicy;
  readonly #refusals: RefusalLimit;
  readonly #schedule: RenewalSchedule;
  readonly #journal: TokenEvents;
  readonly #hits: { inc(): void };
  readonly #closing = new AbortController();
  #held: HeldToken | undefined;
  #flight: Promise<Token> | undefined;
  #refusedValue: string | undefined;

  /** @param options What it works with. */
  constructor(options: TokenManagerOptions) {
    this.#options = options;
    this.#generation = new RevocationEpoch({
      ...options,
      key: `${options.server}:${options.source.fingerprint}`,
      isHolding: () => this.current() !== undefined,
      onRevoked: () => {
        this.#drop();
        this.#journal.revoked("by a worker or replica that shares the cache");
      },
    });
    this.#journal = new TokenEvents(options);
    this.#random = options.random ?? Math.random;
    const random = this.#random;
    this.#policy = new TokenRequestPolicy({ ...options, random });
    this.#refusals = new RefusalLimit(options.clock);
    const renew = () => void this.#renewInBackground();
    this.#schedule = new RenewalSchedule({ ...options, random, renew });
    this.#hits = options.metrics.cacheHits.labels(options.server);
  }

  /** The token endpoint or metadata service asked. */
  get endpoint(): string {
    return this.#options.source.endpoint;
  }

  /** When the token at hand expires or, where no other could be had since, expired. */
  get expiresAtMs(): number | undefined {
    return this.#held?.token.expiresAtMs;
  }

  /** @returns The token at hand, if it may be used now. */
  current(): Token | undefined {
    const held = this.#held;
    return held !== undefined && isAlive(held, this.#options.clock) ? held.token : undefined;
  }

  /**
   * The token for a request. No promise where none is needed: this is in the path of every request.
   *
   * @param signal Ends the wait for this caller; the token request goes on for the others.
   * @throws {GatewayError} Why no token can be had.
   * @throws The signal's reason when it aborts.
   */
  token(signal: AbortSignal): Token | Promise<Token> {
    const token = this.current();
    if (token !== undefined) {
      this.#hits.inc();
      return token;
    }
    this.#options.metrics.cacheMisses.inc({ server: this.#options.server });
    return this.#await({ accepts: (stored) => this.#isUsable(stored) }, signal);
  }

  /**
   * Tells that the store refused a token, so that it is not used again. A new token that is refused
   * as well stays in use for a while: the refusal is then about something else, and fetching
   * token after token would help no one.
   *
   * @returns Whether asking for a token again may give another one.
   */
  async invalidate(token: Token): Promise<boolean> {
    if (this.#held?.token.value !== token.value) return true;
    if (!this.#refusals.permit()) return false;
    const { store } = this.#options;
    this.#refusedValue = token.value;
    this.#drop();
    this.#journal.dropped();
    // Another worker may have replaced it already: what that stored is used, not dropped.
    const { key } = this.#generation;
    const stored = await store.get(key);
    if (stored?.value === token.value) await store.delete(key);
    return true;
  }

  /**
   * Drops the token, also one that is being fetched, here and for everyone who shares the store:
   * others learn of it within seconds.
   *
   * @param revocation A new identifier. Whoever is told of the same one again has nothing to do.
   * @throws {GatewayError} INT-002 when it was dropped here, but the store cannot be told now; it is
   * told as soon as it works again.
   */
  async forget(revocation: string): Promise<void> {
    if (revocation === this.#generation.current) return;
    this.#drop();
    this.#journal.revoked("here");
    await this.#generation.begin(revocation);
  }

  /**
   * Fetches a new token now, whatever is at hand; that stays in use if this fails.
   *
   * @param signal Ends the wait for this caller.
   * @throws {GatewayError} Why no token can be had.
   */
  async renew(signal: AbortSignal): Promise<void> {
    while (this.#flight !== undefined) await abortable(this.#flight.catch(() => {}), signal);
    await this.#await({ accepts: () => false, now: true }, signal);
  }

  /** Ends background work and requests in flight. A token at hand can still be used. */
  async close(): Promise<void> {
    const { server } = this.#options;
    this.#closing.abort(
      new GatewayError("INT-002", `Cannot fetch a token for server "${server}": closing`, {
        server,
      }),
    );
    this.#schedule.cancel();
    this.#generation.close();
    await this.#flight?.catch(() => {});
  }

  async #await(plan: FlightPlan, signal: AbortSignal): Promise<Token> {
    return await abortable(this.#fetch(plan), signal);
  }

  /** Joins the flight there is, or starts one. There is never more than one. */
  #fetch(plan: FlightPlan): Promise<Token> {
    return this.#flight ??= this.#fly(plan).finally(() => this.#flight = undefined);
  }

  /** A token revoked while it was being fetched is fetched again. */
  async #fly(plan: FlightPlan): Promise<Token> {
    const { signal } = this.#closing;
    try {
      for (;;) {
        signal.throwIfAborted();
        await this.#generation.look();
        const { current } = this.#generation;
        const token = await this.#acquire(plan, (token, isFetched) => {
          if (current === this.#generation.current) this.#adopt(token, isFetched);
        });
        if (current === this.#generation.current) return token;
      }
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      this.#journal.notHad(error, this.current() !== undefined);
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
      key: this.#generation.key,
      clock,
      random: this.#random,
      maxWaitMs: tokenTimeoutMs + LEASE_TTL_MS,
      accepts: async (stored) =>
        accepts(stored) && (await source.accepts?.(stored, signal) ?? true),
      signal,
      acquire: async () => {
        const token = await this.#policy.execute(() => source.acquire(signal), signal, { now });
        // Before it is stored, which may take a while.
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
      const retryAfterMs = error instanceof GatewayError
        ? (error.retryAfterSeconds ?? 0) * 1000
        : 0;
      const held = this.#held;
      const retryInMs = held && this.#schedule.planRetry(held, retryAfterMs);
      this.#journal.notRenewed(error, held?.token, retryInMs);
    }
  }

  #isUsable(stored: Token): boolean {
    if (stored.value === this.#refusedValue) return false;
    // Our own token comes back from the store. Set back, the wall clock calls it young again.
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
    this.#generation.watch();
    this.#journal.atHand(token, how);
  }

  #drop(): void {
    this.#held = undefined;
    this.#schedule.cancel();
  }
}
