/**
 * The keys that a provider publishes (RFC 7517, section 5), fetched when tokens are to be checked and
 * kept for a while. A key that a token names and the set does not have makes it be fetched anew, but
 * not more than twice a minute: anyone can make up names of keys.
 *
 * @module
 */
import type { JWSHeaderParameters } from "jose";
import type { ErrorCode } from "../errors/catalogue.ts";
import type { GatewayError } from "../errors/gateway_error.ts";
import { type KeySet, type SelectKeys, selectKeys } from "./key_set.ts";
import {
  cannotFetch,
  exchange,
  type ProviderAnswer,
  type ProviderConnection,
  withinTimeLimit,
} from "./provider_exchange.ts";

const SERVICE = "key set";

/** How long keys count before they are fetched anew: a key that was withdrawn is trusted so long. */
const MAX_AGE_MS = 10 * 60 * 1000;

/** How long keys serve when no new ones can be had. */
const MAX_STALE_MS = 24 * 60 * 60 * 1000;

/** Least time between two attempts while there are keys. */
const REFETCH_INTERVAL_MS = 30_000;

/** What a cache of keys works with. */
export interface JwksCacheOptions extends ProviderConnection {
  /** Finds the URL of the set. */
  readonly locate: (signal: AbortSignal) => string | Promise<string>;
}

/** The keys of one provider. */
export class JwksCache implements KeySet {
  readonly #options: JwksCacheOptions;
  #known: { readonly select: SelectKeys; readonly fetchedAtMs: number } | undefined;
  #triedAtMs = -Infinity;

  /** @param options What it works with. */
  constructor(options: JwksCacheOptions) {
    this.#options = options;
  }

  /**
   * Fetches the keys, unless those at hand will do.
   *
   * @param signal Aborts it.
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
   * @param header The token's header.
   * @param signal Aborts it.
   * @returns The keys; none where none fits.
   * @throws {GatewayError} As `load`.
   */
  async find(header: JWSHeaderParameters, signal: AbortSignal): Promise<readonly CryptoKey[]> {
    const found = await (await this.#select(signal))(header);
    if (found.length > 0 || this.#hasJustTried()) return found;
    return await (await this.#fetch(signal))(header);
  }

  async #select(signal: AbortSignal): Promise<SelectKeys> {
    const known = this.#known;
    const ageMs = this.#options.clock.monotonic() - (known?.fetchedAtMs ?? -Infinity);
    if (known === undefined || ageMs > MAX_STALE_MS) return await this.#fetch(signal);
    if (ageMs < MAX_AGE_MS || this.#hasJustTried()) return known.select;
    try {
      return await this.#fetch(signal);
    } catch (error) {
      if (signal.aborted) throw error;
      return known.select;
    }
  }

  #hasJustTried(): boolean {
    return this.#options.clock.monotonic() - this.#triedAtMs < REFETCH_INTERVAL_MS;
  }

  /** Half the time of a token request, so that a token is still to be had. */
  async #fetch(signal: AbortSignal): Promise<SelectKeys> {
    const { clock, timeoutMs, locate } = this.#options;
    const fetchedAtMs = this.#triedAtMs = clock.monotonic();
    const limits = { ...this.#options, timeoutMs: timeoutMs / 2 };
    const select = await withinTimeLimit(limits, SERVICE, signal, async (signal) => {
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
