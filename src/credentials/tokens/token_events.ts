/**
 * Records the life of a server's token in log, metrics and audit trail; never the token itself.
 */
import { DEFAULT_REFRESH_BUFFER_SECONDS } from "../../config/schemes/token_validation.ts";
import { catalogue } from "../../errors/catalogue.ts";
import { GatewayError } from "../../errors/gateway_error.ts";
import type { AuditEvent } from "../../telemetry/audit_event.ts";
import type { Logger } from "../../telemetry/logger.ts";
import type { Metrics } from "../../telemetry/metrics.ts";
import { securityEventType } from "../../telemetry/security_events.ts";
import { lifeMs } from "./held_token.ts";
import type { Token } from "../token.ts";

export interface TokenEventsOptions {
  /** Name of the configured server. */
  readonly server: string;
  readonly refreshBufferMs: number;
  readonly metrics: Pick<Metrics, "errors">;
  readonly logger: Logger;
  /** Receives security events. */
  readonly security: Logger;
  /** Receives events for the audit trail. */
  readonly onTokenEvent?: ((event: AuditEvent) => void) | undefined;
}

export class TokenEvents {
  readonly #options: TokenEventsOptions;
  #hasLoggedClamp = false;

  constructor(options: TokenEventsOptions) {
    this.#options = options;
  }

  /** @param how `taken over`: found in the cache, stored by another worker or replica. */
  adopted(token: Token, how: "acquired" | "renewed" | "taken over"): void {
    const { server, logger, refreshBufferMs } = this.#options;
    const expires_at = new Date(token.expiresAtMs).toISOString();
    const what = how === "taken over" ? "loaded from the cache" : how;
    logger.info(`Token ${what} for server "${server}"`, { server, expires_at });
    this.#audit(how, { expires_at });
    // Keycloak's tokens live for five minutes: with the default there is nothing to correct.
    const isDefault = refreshBufferMs === DEFAULT_REFRESH_BUFFER_SECONDS * 1000;
    if (this.#hasLoggedClamp || isDefault || refreshBufferMs <= lifeMs(token) / 2) return;
    this.#hasLoggedClamp = true;
    logger.info(
      `Renewing tokens of server "${server}" after half their lifetime: ` +
        "TokenRefreshBufferSeconds is longer than that",
      {
        server,
        error_code: "TOK-003",
        refresh_buffer_seconds: refreshBufferMs / 1000,
        token_life_seconds: lifeMs(token) / 1000,
      },
    );
  }

  /** Background renewal failed; undefined `retryInMs`: there is no retry. */
  renewalFailed(error: unknown, token: Token | undefined, retryInMs: number | undefined): void {
    const { server, metrics, logger, security } = this.#options;
    const { category } = catalogue["TOK-006"];
    metrics.errors.inc({ server, error_code: "TOK-006", category });
    const event_type = securityEventType(error);
    const log = event_type === undefined ? logger : security;
    log.warn(
      `Token renewal failed for server "${server}"; using the current token until it expires`,
      {
        ...(event_type !== undefined && { event_type }),
        server,
        error_code: "TOK-006",
        reason: error instanceof Error ? error.message : "unknown",
        ...(token !== undefined && { expires_at: new Date(token.expiresAtMs).toISOString() }),
        ...(retryInMs !== undefined && { retry_in_ms: Math.round(retryInMs) }),
      },
    );
  }

  /**
   * Acquisition failed, for a request or in the background.
   *
   * @param hasToken Whether the current token is still valid.
   */
  acquisitionFailed(error: unknown, hasToken: boolean): void {
    const error_code = error instanceof GatewayError ? error.code : "INT-001";
    this.#audit(hasToken ? "not renewed" : "not acquired", { error_code });
  }

  /** The store rejected the token. */
  discarded(): void {
    this.#audit("dropped", {});
  }

  /** @param where The origin of the revocation. */
  revoked(where: string): void {
    const { server, logger } = this.#options;
    logger.info(`Token revoked for server "${server}"`, { server, where });
    this.#audit("revoked", { where });
  }

  #audit(outcome: string, details: Readonly<Record<string, string>>): void {
    const { server, onTokenEvent } = this.#options;
    onTokenEvent?.({
      time: new Date().toISOString(),
      event: "token",
      outcome,
      server,
      ...details,
    });
  }
}
