/**
 * Revokes cached tokens for an operator: in this worker, in the other workers of this gateway, and in all
 * replicas that share the token cache. Not more often than the replicas look for it, so that no client
 * can make the gateway send request after request to the identity provider.
 */
import { GatewayError } from "../../errors/gateway_error.ts";
import type { Store } from "../../upstream/store.ts";

/** Between two revocations of one server's token. */
const MIN_INTERVAL_MS = 10_000;

export interface RevocationOptions {
  /** Notifies the other workers of this gateway. */
  readonly announceRevocation: (server: string, revocation: string) => void;
  readonly now: () => number;
}

/** Revokes the cached tokens of servers. */
export class TokenRevocation {
  readonly #options: RevocationOptions;
  readonly #lastMs = new Map<string, number>();

  constructor(options: RevocationOptions) {
    this.#options = options;
  }

  /**
   * Discards the cached token of a server, for all that share it.
   *
   * @throws {GatewayError} TOK-007 if it was revoked a moment ago; INT-002 if the token was discarded in
   * this gateway, but the shared cache is unavailable.
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

  /** Records that a server's token was revoked, by this or another worker of this gateway. */
  happened(server: string): void {
    this.#lastMs.set(server, this.#options.now());
  }
}
