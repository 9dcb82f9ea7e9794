/**
 * Reports when the gateway's own certificates expire: as a metric, and with a daily log line for
 * certificates that need renewal.
 */
import { expiryWarning } from "../config/values/certificate_expiry.ts";
import { type OwnCertificate, ownCertificates } from "../config/sandbox/own_certificates.ts";
import type { GatewayConfig } from "../config/gateway_config.ts";
import type { Logger } from "../telemetry/logger.ts";
import type { SupervisorMetrics } from "./supervisor_metrics.ts";

const DAY_MS = 86_400_000;

export interface CertificateWatchOptions {
  readonly expiry: SupervisorMetrics["certificateExpiry"];
  readonly logger: Logger;
  /** The wall clock, in milliseconds. */
  readonly now?: () => number;
}

/** Watches the certificates of the configuration in use. */
export class CertificateWatch {
  readonly #options: CertificateWatchOptions;
  readonly #timer: number;
  #certificates: readonly OwnCertificate[] = [];

  constructor(options: CertificateWatchOptions) {
    this.#options = options;
    this.#timer = setInterval(() => this.warn(), DAY_MS);
    Deno.unrefTimer(this.#timer);
  }

  /** Changes to the certificates of a configuration, without a warning: loading it has warned. */
  take(config: GatewayConfig): void {
    const { expiry } = this.#options;
    this.#certificates = ownCertificates(config);
    expiry.reset();
    for (const { use, server, expiresAtMs } of this.#certificates) {
      expiry.set({ use, server }, expiresAtMs / 1000);
    }
  }

  /** Logs a warning for each certificate that needs renewal. */
  warn(): void {
    const { logger, now = Date.now } = this.#options;
    for (const { use, server, expiresAtMs } of this.#certificates) {
      const warning = expiryWarning(expiresAtMs, now());
      if (warning === undefined) continue;
      logger.warn("Certificate needs renewal", { use, server, warning });
    }
  }

  close(): void {
    clearInterval(this.#timer);
  }
}
