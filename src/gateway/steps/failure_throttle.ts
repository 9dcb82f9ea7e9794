/**
 * Limits failed attempts to authenticate, by address and by user, for all workers together. Only failures
 * are limited: keys and tokens cannot be guessed and are checked first. Passwords can, and checking them is
 * expensive: beyond the limits they are rejected unchecked, unless this password was right for this user
 * before. So failed attempts cannot lock out a working client of the same name or address.
 */
import { GatewayError } from "../../errors/gateway_error.ts";
import type { QuotaLimit, QuotaTable } from "./quota_table.ts";

/** Failures of one address: 30 at once, then one every 6 seconds. */
const ADDRESS_LIMIT: QuotaLimit = { requests: 30, windowMs: 180_000 };
/** Failures of one user from all addresses: 10 at once, then one every 6 seconds. */
const USER_LIMIT: QuotaLimit = { requests: 10, windowMs: 60_000 };
/** A right password is remembered this long after its last check, as an exhausted quota. */
const KNOWN: QuotaLimit = { requests: 1, windowMs: 24 * 3_600_000 };

/** Longer than any configured user name: names that are longer need no count of their own. */
const MAX_COUNTED_NAME = 128;

/** An attempt whose password may be checked; one of the methods must be called with the outcome. */
export interface AllowedAttempt {
  /** Whether this password was right for this user before. */
  readonly isKnown: boolean;
  /** The password is right: no failure, and remembered. */
  succeeded(): void;
  /** The password is wrong. */
  failed(): void;
  /** The password could not be checked: no failure. */
  abandoned(): void;
}

/** Counts failed attempts. */
export class FailureThrottle {
  readonly #table: QuotaTable;

  constructor(table: QuotaTable) {
    this.#table = table;
  }

  /**
   * Allows the check of a password. Unless it is remembered, it counts as failed until its outcome is known,
   * so that concurrent attempts cannot exceed the limits.
   *
   * @throws {GatewayError} AUTH-006 after too many failures.
   */
  attempt(
    { address, user, password }: {
      readonly address: string;
      readonly user: string;
      readonly password: string;
    },
  ): AllowedAttempt {
    const table = this.#table;
    // As JSON, so that no other pair of name and password gives the same text.
    const known = `right ${table.nameOf(JSON.stringify([user, password]))}`;
    const counted = [
      [`address ${address}`, ADDRESS_LIMIT],
      [`user ${user.slice(0, MAX_COUNTED_NAME)}`, USER_LIMIT],
    ] as const;
    const remember = () => table.exhaust(known, KNOWN);
    if (table.look(known, KNOWN).isExhausted) {
      return {
        isKnown: true,
        succeeded: remember,
        // The configured password has changed.
        failed: () => counted.forEach(([key, limit]) => table.take(key, limit)),
        abandoned: () => {},
      };
    }
    const taken: typeof counted[number][] = [];
    const giveBack = () => taken.forEach(([key, limit]) => table.giveBack(key, limit));
    for (const each of counted) {
      const { isExhausted, retryAfterMs } = table.take(each[0], each[1]);
      if (isExhausted) {
        giveBack();
        throw tooMany(retryAfterMs);
      }
      taken.push(each);
    }
    return {
      isKnown: false,
      succeeded: () => {
        giveBack();
        remember();
      },
      failed: () => {},
      abandoned: giveBack,
    };
  }

  /**
   * Counts a failed attempt.
   *
   * @throws {GatewayError} AUTH-006 after too many failures.
   */
  failed(address: string): void {
    const { isExhausted, retryAfterMs } = this.#table.take(`address ${address}`, ADDRESS_LIMIT);
    if (isExhausted) throw tooMany(retryAfterMs);
  }
}

function tooMany(retryAfterMs: number): GatewayError {
  return new GatewayError(
    "AUTH-006",
    "Authentication rejected: too many failed attempts from this address or for this user",
    { retryAfterSeconds: retryAfterMs / 1000 },
  );
}
