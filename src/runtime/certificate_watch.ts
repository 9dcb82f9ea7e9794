/**
 * Tells in good time that a certificate of the gateway expires: to Prometheus, and day by day in the log
 * of a gateway that nobody has looked at since it was started.
 *
 * @module
 */
import { expiryWarning } from "../config/values/certificate_expiry.ts";
import { type OwnCertificate, ownCertificates } from "../config/sandbox/own_certificates.ts";
import type { GatewayConfig } from "../config/gateway_config.ts";
import type { Logger } from "../telemetry/logger.ts";
import type { SupervisorMetrics } from "./supervisor_metrics.ts";

/** How often it is told. */
const DAY_MS = 86_400_000;

/** What a watch works with. */
export interface CertificateWatchOptions {
  readonly expiry: SupervisorMetrics["certificateExpiry"];
  readonly logger: Logger;
  /** The clock, in milliseconds since the epoch. */
  readonly now?: () => number;
}

/** Watches the certificates of the configuration in use. */
export class CertificateWatch {
  readonly #options: CertificateWatchOptions;
  readonly #timer: number;
  #certificates: readonly OwnCertificate[] = [];

  /** @param options What it works with. */
  constructor(options: CertificateWatchOptions) {
    this.#options = options;
    this.#timer = setInterval(() => this.warn(), DAY_MS);
    Deno.unrefTimer(this.#timer);
  }

  /** @param config The configuration that is in use from now on; reading it has warned already. */
  take(config: GatewayConfig): void {
    const { expiry } = this.#options;
    this.#certificates = ownCertificates(config);
    expiry.reset();
    for (const { use, server, expiresAtMs } of this.#certificates) {
      expiry.set({ use, server }, expiresAtMs / 1000);
    }
  }

  /** Warns of the certificates that are to be renewed. */
  warn(): void {
    const { logger, now = Date.now } = this.#options;
    for (const { use, server, expiresAtMs } of this.#certificates) {
      const warning = expiryWarning(expiresAtMs, now());
      if (warning === undefined) continue;
      logger.warn("Certificate needs renewal", { use, server, warning });
    }
  }

  /** Ends it. */
  close(): void {
    clearInterval(this.#timer);
  }
}
