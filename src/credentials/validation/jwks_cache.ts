/**
 * Caches a provider's published keys (RFC 7517, section 5) and renews them in the background: only a
 * token with an unknown key waits. Unknown keys cause at most two requests a minute, because anyone
 * can make up key identifiers.
 *
 * jose's `createRemoteJWKSet` makes every check wait once its keys have expired, fails if they cannot
 * be renewed then, and reads the system clock.
 */
import type { JWSHeaderParameters } from "jose";
import { abortable } from "../../network/wait.ts";
import type { ErrorCode } from "../../errors/catalogue.ts";
import type { GatewayError } from "../../errors/gateway_error.ts";
import { redirectError } from "../provider_redirect.ts";
import { type KeySet, type SelectKeys, selectKeys } from "./key_set.ts";
import {
  cannotFetch,
  exchange,
  type ProviderAnswer,
  type ProviderConnection,
  secretsOf,
  withinTimeLimit,
} from "../provider_exchange.ts";

const SERVICE = "key set";

/** From this age on, a check starts a renewal without waiting for it. */
const RENEW_AFTER_MS = 5 * 60 * 1000;

/**
 * From this age on, a check waits for the renewal unless one has failed within the same time: without
 * checks for so long, a key may have been withdrawn unnoticed.
 */
const MAX_UNRENEWED_MS = 60 * 60 * 1000;

/** Limit for using keys that cannot be renewed. */
const MAX_STALE_MS = 24 * 60 * 60 * 1000;

/** Minimum time between attempts while there are keys. */
const REFETCH_INTERVAL_MS = 30_000;

export interface JwksCacheOptions extends ProviderConnection {
  /** @returns The URL of the JWK Set. */
  readonly locate: (signal: AbortSignal) => string | Promise<string>;
}

interface KnownKeys {
  readonly select: SelectKeys;
  readonly fetchedAtMs: number;
}

export class JwksCache implements KeySet {
  readonly #options: JwksCacheOptions;
  #known: KnownKeys | undefined;
  #triedAtMs = -Infinity;
  #failedAtMs = -Infinity;
  /** The request in flight, shared by all waiting checks; only its timeout aborts it. */
  #running: Promise<SelectKeys> | undefined;
  readonly #never = new AbortController().signal;

  constructor(options: JwksCacheOptions) {
    this.#options = options;
  }

  /**
   * @throws {GatewayError} TOK-004 if the response is no JWK Set; NET-001, NET-003, NET-004, AUTH-003
   * without one; whatever `locate` throws.
   * @throws The signal's reason when it aborts.
   */
  async load(signal: AbortSignal): Promise<void> {
    await this.#select(signal);
  }

  /**
   * Fetches the set again if no key matches.
   *
   * @throws {GatewayError} As `load`.
   */
  async find(header: JWSHeaderParameters, signal: AbortSignal): Promise<readonly CryptoKey[]> {
    const found = await (await this.#select(signal))(header);
    if (found.length > 0) return found;
    // A request in flight may bring the key; another one right after a failure would not.
    if (this.#running === undefined && this.#hasJustTried()) return found;
    return await (await abortable(this.#fetch(), signal))(header);
  }

  async #select(signal: AbortSignal): Promise<SelectKeys> {
    const known = this.#known;
    const nowMs = this.#options.clock.monotonic();
    const ageMs = nowMs - (known?.fetchedAtMs ?? -Infinity);
    if (known === undefined || ageMs > MAX_STALE_MS) return await abortable(this.#fetch(), signal);
    if (ageMs < RENEW_AFTER_MS) return known.select;
    if (this.#running === undefined && this.#hasJustTried()) return known.select;
    const renewed = this.#fetch().catch(() => known.select);
    const mayWait = ageMs >= MAX_UNRENEWED_MS && nowMs - this.#failedAtMs >= MAX_UNRENEWED_MS;
    return mayWait ? await abortable(renewed, signal) : known.select;
  }

  #hasJustTried(): boolean {
    return this.#options.clock.monotonic() - this.#triedAtMs < REFETCH_INTERVAL_MS;
  }

  #fetch(): Promise<SelectKeys> {
    return this.#running ??= this.#request().catch((error) => {
      this.#failedAtMs = this.#options.clock.monotonic();
      throw error;
    }).finally(() => this.#running = undefined);
  }

  /** Limited to half the time of a token request, which leaves time to get a token. */
  async #request(): Promise<SelectKeys> {
    const { clock, timeoutMs, locate } = this.#options;
    const fetchedAtMs = this.#triedAtMs = clock.monotonic();
    const limits = { ...this.#options, timeoutMs: timeoutMs / 2 };
    const select = await withinTimeLimit(limits, SERVICE, this.#never, async (signal) => {
      const url = await locate(signal);
      const headers = { accept: "application/jwk-set+json, application/json" };
      const answer = await exchange(this.#options, SERVICE, { url, headers, signal });
      return this.#parse(answer, url);
    });
    this.#known = { select, fetchedAtMs };
    return select;
  }

  #parse(answer: ProviderAnswer, url: string): SelectKeys {
    const { status, body } = answer;
    const { origin, pathname } = new URL(url);
    const fail = (code: ErrorCode, state: string): GatewayError =>
      cannotFetch(code, this.#options.server, `the ${SERVICE} at ${origin}${pathname} ${state}`, {
        troubleshooting: ["Tokens are checked with these keys: check JWKSUri or Issuer"],
      });
    if (status >= 300 && status < 400) {
      const state = `the ${SERVICE} at ${origin}${pathname} answered ${status}`;
      throw redirectError(answer, {
        server: this.#options.server,
        state,
        url,
        secrets: secretsOf(this.#options),
      });
    }
    if (status >= 500 || status === 429 || status === 408) {
      throw fail("AUTH-003", `answered ${status}`);
    }
    if (status !== 200) throw fail("TOK-004", `answered ${status}`);
    try {
      return selectKeys(JSON.parse(body));
    } catch {
      throw fail("TOK-004", "is no JWK Set");
    }
  }
}
