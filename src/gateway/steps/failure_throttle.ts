/**
 * Limits failed attempts to authenticate, by address and by user, for all workers together. Only failures
 * are limited: keys and tokens cannot be guessed and are checked first. Passwords can, and their check is
 * expensive: beyond the limits they are not checked, unless this password was right for this user before.
 * So nobody can lock out a client at work by wrong attempts in its name or from its address.
 *
 * @module
 */
import { GatewayError } from "../../errors/gateway_error.ts";
import type { QuotaLimit, QuotaTable } from "./quota_table.ts";

/** Failures of one address: 30 at once, then one every 6 seconds. */
const ADDRESS_LIMIT: QuotaLimit = { requests: 30, windowMs: 180_000 };
/** Failures of one user from all addresses: 10 at once, then one every 6 seconds. */
const USER_LIMIT: QuotaLimit = { requests: 10, windowMs: 60_000 };
/** A right password is known as long as this after its last check: a used-up quota is the mark. */
const KNOWN: QuotaLimit = { requests: 1, windowMs: 24 * 3_600_000 };

/** A user name longer than any that is configured need not be counted by itself. */
const MAX_COUNTED_NAME = 128;

/** Who tries which password, from where. */
export interface PasswordAttempt {
  readonly address: string;
  readonly user: string;
  readonly password: string;
}

/** An attempt that may be checked. */
export interface AllowedAttempt {
  /** Whether this password was right for this user before. */
  readonly isKnown: boolean;
  /** The password is right: it counts as no failure, and is known from now on. */
  succeeded(): void;
  /** The password is wrong. */
  failed(): void;
  /** It could not be checked: it counts as no failure. */
  abandoned(): void;
}

/** Counts failed attempts. */
export class FailureThrottle {
  readonly #table: QuotaTable;

  /** @param table Where they are counted, shared by all workers. */
  constructor(table: QuotaTable) {
    this.#table = table;
  }

  /**
   * Allows the check of a password. One that is not known is counted as failed before its outcome is
   * known, so that many at once cannot slip through.
   *
   * @returns What is to be told of its outcome.
   * @throws {GatewayError} AUTH-006 when too many have failed.
   */
  attempt({ address, user, password }: PasswordAttempt): AllowedAttempt {
    const table = this.#table;
    // The name and the password are apart: no other pair gives the same text.
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
        // The configuration has another password now.
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
   * @throws {GatewayError} AUTH-006 when too many have failed before.
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
