/**
 * The keys that a provider publishes (RFC 7517, section 5), fetched when tokens are to be checked and
 * kept for a while. They are renewed in the background: a check waits only for a key that is not known.
 * A token with such a key makes the set be fetched anew, but not more than twice a minute: anyone can
 * make up names of keys.
 *
 * jose's `createRemoteJWKSet` would do less: it makes every check wait once its keys have expired, fails
 * when no new ones can be had then, and reads the system's clock. Keys are found by jose all the same.
 *
 * @module
 */
import type { JWSHeaderParameters } from "jose";
import { abortable } from "../../network/wait.ts";
import type { ErrorCode } from "../../errors/catalogue.ts";
import type { GatewayError } from "../../errors/gateway_error.ts";
import { type KeySet, type SelectKeys, selectKeys } from "./key_set.ts";
import {
  cannotFetch,
  exchange,
  type ProviderAnswer,
  type ProviderConnection,
  withinTimeLimit,
} from "../provider_exchange.ts";

const SERVICE = "key set";

/** From this age on a check has the keys renewed, and does not wait for it. */
const RENEW_AFTER_MS = 5 * 60 * 1000;

/**
 * Keys of this age are renewed before they are used, unless that has failed within the same time: nobody
 * checked a token for so long, and a key that was withdrawn meanwhile must not open the door once more.
 */
const MAX_UNRENEWED_MS = 60 * 60 * 1000;

/** How long keys serve when no new ones can be had. */
const MAX_STALE_MS = 24 * 60 * 60 * 1000;

/** Least time between two attempts while there are keys. */
const REFETCH_INTERVAL_MS = 30_000;

/** What a cache of keys works with. */
export interface JwksCacheOptions extends ProviderConnection {
  /** Finds the URL of the set. */
  readonly locate: (signal: AbortSignal) => string | Promise<string>;
}

interface KnownKeys {
  readonly select: SelectKeys;
  readonly fetchedAtMs: number;
}

/** The keys of one provider, for any number of checks at once. */
export class JwksCache implements KeySet {
  readonly #options: JwksCacheOptions;
  #known: KnownKeys | undefined;
  #triedAtMs = -Infinity;
  #failedAtMs = -Infinity;
  /** The request under way; whoever waits for it may leave, it has a limit of its own. */
  #running: Promise<SelectKeys> | undefined;
  readonly #never = new AbortController().signal;

  /** @param options What it works with. */
  constructor(options: JwksCacheOptions) {
    this.#options = options;
  }

  /**
   * Fetches the keys, unless there are some.
   *
   * @throws {GatewayError} TOK-004 for an answer that is no JWK Set; NET-001, NET-003, NET-004, AUTH-003
   * where none came; what finding the URL throws.
   * @throws The signal's reason when it aborts.
   */
  async load(signal: AbortSignal): Promise<void> {
    await this.#select(signal);
  }

  /**
   * Finds the keys that a token may be signed with; fetches the set anew where it has none.
   *
   * @returns The keys; none where none fits.
   * @throws {GatewayError} As `load`.
   */
  async find(header: JWSHeaderParameters, signal: AbortSignal): Promise<readonly CryptoKey[]> {
    const found = await (await this.#select(signal))(header);
    if (found.length > 0) return found;
    // One under way may bring the key. Who just failed to get it has no use for another attempt.
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

  /** Joins the request under way, or begins one. */
  #fetch(): Promise<SelectKeys> {
    return this.#running ??= this.#request().catch((error) => {
      this.#failedAtMs = this.#options.clock.monotonic();
      throw error;
    }).finally(() => this.#running = undefined);
  }

  /** Half the time of a token request, so that a token is still to be had. */
  async #request(): Promise<SelectKeys> {
    const { clock, timeoutMs, locate } = this.#options;
    const fetchedAtMs = this.#triedAtMs = clock.monotonic();
    const limits = { ...this.#options, timeoutMs: timeoutMs / 2 };
    const select = await withinTimeLimit(limits, SERVICE, this.#never, async (signal) => {
      const url = await locate(signal);
      const headers = { accept: "application/jwk-set+json, application/json" };
      const answer = await exchange(this.#options, SERVICE, { url, headers, signal });
      return this.#judge(answer, url);
    });
    this.#known = { select, fetchedAtMs };
    return select;
  }

  #judge({ status, body }: ProviderAnswer, url: string): SelectKeys {
    const { origin, pathname } = new URL(url);
    const fail = (code: ErrorCode, state: string): GatewayError =>
      cannotFetch(code, this.#options.server, `the ${SERVICE} at ${origin}${pathname} ${state}`, {
        troubleshooting: ["Tokens are checked with these keys: check JWKSUri or Issuer"],
      });
    if (status >= 300 && status < 400) throw fail("NET-004", `answered ${status}, a redirect`);
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
