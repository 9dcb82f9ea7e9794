/**
 * A token manager with a fake clock, identity provider, cache and log. Checks at the end that no timer
 * is left.
 */
import assert from "node:assert/strict";
import type { ResilienceConfig } from "../../src/config/keys/resilience.ts";
import { TokenStore } from "../../src/credentials/cache/token_store.ts";
import type { Token, TokenSource } from "../../src/credentials/token.ts";
import { TokenManager } from "../../src/credentials/tokens/token_manager.ts";
import type { ErrorCode } from "../../src/errors/catalogue.ts";
import { GatewayError } from "../../src/errors/gateway_error.ts";
import type { AuditEvent } from "../../src/telemetry/audit_event.ts";
import { createMetrics, type Metrics } from "../../src/telemetry/metrics.ts";
import { FakeClock } from "../fixtures/fake_clock.ts";
import { MemoryLogger } from "../fixtures/memory_logger.ts";
import { SharedTokenStore } from "../fixtures/shared_token_store.ts";

export const never = new AbortController().signal;
export const MINUTE = 60_000;

/** An identity provider in memory: returns a new token at once, or what the test wants. */
export class FakeSource implements TokenSource {
  readonly endpoint = "https://idp.test/token";
  readonly fingerprint = "fingerprint";
  lifeMs = 5 * MINUTE;
  requests = 0;
  /** Replaces the response while set. */
  answer: ((signal: AbortSignal) => Promise<Token>) | undefined;
  readonly #clock: FakeClock;

  constructor(clock: FakeClock) {
    this.#clock = clock;
  }

  acquire(signal: AbortSignal): Promise<Token> {
    this.requests++;
    return this.answer?.(signal) ?? Promise.resolve(this.token(`token-${this.requests}`));
  }

  token(value: string): Token {
    const issuedAtMs = this.#clock.now();
    return { value, type: "Bearer", issuedAtMs, expiresAtMs: issuedAtMs + this.lifeMs };
  }

  failWith(code: ErrorCode, retryAfterSeconds?: number): void {
    const error = new GatewayError(code, `Cannot fetch a token for server "main": test`, {
      ...(retryAfterSeconds !== undefined && { retryAfterSeconds }),
    });
    this.answer = () => Promise.reject(error);
  }
}

/** One attempt, no circuit breaker. */
export const NO_RETRY: ResilienceConfig = {
  circuitBreaker: undefined,
  retry: {
    maxAttempts: 1,
    strategy: "fixed",
    initialDelayMs: 1000,
    multiplier: 2,
    maxDelayMs: 30_000,
    incrementMs: 1000,
  },
};

export interface Parts {
  readonly clock: FakeClock;
  readonly source: FakeSource;
  /** The backend of the token stores, unless `shares` is false. */
  readonly shared: SharedTokenStore;
  readonly metrics: Metrics;
  readonly logger: MemoryLogger;
  /** Events for the audit trail. */
  readonly events: AuditEvent[];
  readonly manager: TokenManager;
  /** Another worker or replica, with a memory of its own. */
  another(): TokenManager;
}

export interface Options {
  readonly refreshBufferMs?: number;
  readonly resilience?: ResilienceConfig;
  /** Whether managers share a cache; otherwise tokens are in memory only. */
  readonly shares?: boolean;
  readonly createShared?: (clock: FakeClock) => SharedTokenStore;
}

export async function withManager(
  options: Options,
  test: (parts: Parts) => Promise<void>,
): Promise<void> {
  const clock = new FakeClock();
  const source = new FakeSource(clock);
  const metrics = createMetrics();
  const logger = new MemoryLogger();
  const shared = options.createShared?.(clock) ?? new SharedTokenStore(clock);
  const backend = options.shares === true ? shared.backend : undefined;
  const events: AuditEvent[] = [];
  const managers: TokenManager[] = [];
  const another = () => {
    const manager = new TokenManager({
      server: "main",
      source,
      store: new TokenStore(backend, { metrics, logger, clock }),
      refreshBufferMs: options.refreshBufferMs ?? MINUTE,
      tokenTimeoutMs: 10_000,
      resilience: options.resilience ?? NO_RETRY,
      metrics,
      logger,
      security: logger,
      onTokenEvent: (event) => events.push(event),
      clock,
      random: () => 0,
    });
    managers.push(manager);
    return manager;
  };
  try {
    await test({ clock, source, shared, metrics, logger, events, manager: another(), another });
  } finally {
    const closed = Promise.all(managers.map((manager) => manager.close()));
    // Closing waits for a hanging backend until the timeout of an operation.
    await clock.advance(2000);
    await closed;
  }
  assert.equal(clock.pendingTimers, 0, "timers are left");
}

export async function valueOf(token: Token | Promise<Token>): Promise<string> {
  return (await token).value;
}

export async function failure(
  token: Token | Promise<Token> | Promise<void>,
): Promise<GatewayError> {
  const error = await Promise.resolve(token).then(() => undefined, (error: unknown) => error);
  assert(error instanceof GatewayError, `no GatewayError: ${error}`);
  return error;
}

/** @returns The value of a metric of this server; 0 if it was never set. */
export async function metric(
  metrics: Metrics,
  name: Exclude<keyof Metrics, "registry" | "beforeRead">,
  labels: Record<string, string> = {},
): Promise<number> {
  const { values } = await metrics[name].get();
  const wanted = Object.entries({ server: "main", ...labels });
  const found = values.find((value) =>
    wanted.every(([label, text]) => (value.labels as Record<string, unknown>)[label] === text)
  );
  return found?.value ?? 0;
}
