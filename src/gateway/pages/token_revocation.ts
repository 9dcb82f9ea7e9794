/**
 * Revokes cached tokens for an operator: in this worker, in the other workers of this gateway, and for
 * everyone who shares the token cache. Not more often than the others look for it, so that no
 * one can make the gateway ask the identity provider again and again.
 *
 * @module
 */
import { GatewayError } from "../../errors/gateway_error.ts";
import type { Store } from "../../upstream/store.ts";

/** Least time between two revocations of one server's token. */
const MIN_INTERVAL_MS = 10_000;

/** What revoking works with. */
export interface RevocationOptions {
  /** Tells the other workers of this gateway. */
  readonly announceRevocation: (server: string, revocation: string) => void;
  readonly now: () => number;
}

/** Revokes the cached tokens of servers. */
export class TokenRevocation {
  readonly #options: RevocationOptions;
  readonly #lastMs = new Map<string, number>();

  /** @param options What it works with. */
  constructor(options: RevocationOptions) {
    this.#options = options;
  }

  /**
   * Drops what is cached for a server, for all who share it.
   *
   * @throws {GatewayError} TOK-007 when this was done a moment ago; INT-002 when the token was dropped
   * here, but the shared cache cannot be told now.
   */
  async revoke({ name, authorizer }: Pick<Store, "name" | "authorizer">): Promise<void> {
    const { now, announceRevocation } = this.#options;
    const elapsedMs = now() - (this.#lastMs.get(name) ?? -Infinity);
    // Negative: the wall clock was set back.
    if (elapsedMs >= 0 && elapsedMs < MIN_INTERVAL_MS) {
      throw new GatewayError(
        "TOK-007",
        `Cannot revoke the token of server "${name}": it was revoked a moment ago`,
        { server: name, retryAfterSeconds: (MIN_INTERVAL_MS - elapsedMs) / 1000 },
      );
    }
    this.happened(name);
    const revocation = crypto.randomUUID();
    announceRevocation(name, revocation);
    await authorizer.forget(revocation);
  }

  /** Takes note that a server's token was revoked, here or in another worker of this gateway. */
  happened(server: string): void {
    this.#lastMs.set(server, this.#options.now());
  }
}
