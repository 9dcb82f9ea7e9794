/**
 * The client's request body cannot be read to its end: not a failure of gateway or store.
 */
import { GatewayError, type GatewayErrorOptions } from "./gateway_error.ts";

/** Whether the client failed to send its body: it broke off or stalled (408). */
export function isOfClientsBody(error: unknown): boolean {
  return error instanceof BrokenBodyError ||
    (error instanceof GatewayError && error.status === 408);
}

const STEP = "Look at the client, and at what lies between it and the gateway: it left, or sent " +
  "less than it said";

/** The body broke off or has invalid HTTP framing: the runtime does not distinguish them. */
export class BrokenBodyError extends GatewayError {
  constructor(state: string, options: Pick<GatewayErrorOptions, "server" | "cause"> = {}) {
    super("NET-005", `Cannot read the body of the request: ${state}`, {
      ...options,
      troubleshooting: [STEP],
    });
  }
}
