/**
 * Slows down whoever tries passwords: failed attempts are counted by address and by user, for all
 * workers together, and once too many were made the next ones are not even looked at. Credentials that
 * were found right a moment ago do not come by here, so nobody can lock out a client at work.
 *
 * @module
 */
import { GatewayError } from "../errors/gateway_error.ts";
import type { QuotaLimit, QuotaTable } from "./quota_table.ts";

/** Failures of one address: 30 at once, then one every 6 seconds. */
export const ADDRESS_LIMIT: QuotaLimit = { requests: 30, windowMs: 180_000 };
/** Failures of one user from all addresses: 10 at once, then one every 6 seconds. */
export const USER_LIMIT: QuotaLimit = { requests: 10, windowMs: 60_000 };

/** Counts failed attempts. */
export class FailureThrottle {
  readonly #table: QuotaTable;

  /** @param table Where they are counted. */
  constructor(table: QuotaTable) {
    this.#table = table;
  }

  /**
   * Counts an attempt as failed before its outcome is known, so that many at once cannot slip through.
   *
   * @param address Where the client is.
   * @param user Who it says it is, where it does.
   * @returns Takes it back: the attempt did not fail.
   * @throws {GatewayError} AUTH-006 when too many have failed.
   */
  attempt(address: string, user?: string): () => void {
    const taken: [key: string, limit: QuotaLimit][] = [];
    const takeBack = () => {
      for (const [key, limit] of taken) this.#table.giveBack(key, limit);
    };
    for (const [key, limit] of counted(address, user)) {
      const { isExhausted, retryAfterMs } = this.#table.take(key, limit);
      if (isExhausted) {
        takeBack();
        throw tooMany(retryAfterMs);
      }
      taken.push([key, limit]);
    }
    return takeBack;
  }

  /**
   * Refuses an attempt without counting it.
   *
   * @param address Where the client is.
   * @throws {GatewayError} AUTH-006 when too many have failed.
   */
  check(address: string): void {
    const { isExhausted, retryAfterMs } = this.#table.look(`address ${address}`, ADDRESS_LIMIT);
    if (isExhausted) throw tooMany(retryAfterMs);
  }

  /**
   * Counts a failed attempt.
   *
   * @param address Where the client is.
   */
  count(address: string): void {
    this.#table.take(`address ${address}`, ADDRESS_LIMIT);
  }
}

function counted(
  address: string,
  user: string | undefined,
): (readonly [key: string, limit: QuotaLimit])[] {
  return [
    [`address ${address}`, ADDRESS_LIMIT],
    ...(user === undefined ? [] : [[`user ${user}`, USER_LIMIT] as const]),
  ];
}

function tooMany(retryAfterMs: number): GatewayError {
  return new GatewayError(
    "AUTH-006",
    "Cannot look at the credential: too many attempts from this address or for this user have failed",
    { retryAfterSeconds: retryAfterMs / 1000 },
  );
}
