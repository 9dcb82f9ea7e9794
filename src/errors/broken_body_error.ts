/**
 * What is thrown when the client's body cannot be read to its end: nobody but the client has failed.
 *
 * @module
 */
import { GatewayError, type GatewayErrorOptions } from "./gateway_error.ts";

/**
 * Whether what failed was the client's sending of its body: it broke off, or stalled (408).
 *
 * @returns Whether nobody but the client has failed.
 *
 * @example
 * ```ts
 * import { BrokenBodyError, isOfClientsBody } from "./broken_body_error.ts";
 * import { GatewayError } from "./gateway_error.ts";
 * import assert from "node:assert/strict";
 *
 * assert(isOfClientsBody(new BrokenBodyError("it broke off")));
 * assert(isOfClientsBody(new GatewayError("NET-001", "Gave up waiting", { status: 408 })));
 * assert(!isOfClientsBody(new GatewayError("NET-001", "Gave up waiting")));
 * ```
 */
export function isOfClientsBody(error: unknown): boolean {
  return error instanceof BrokenBodyError ||
    (error instanceof GatewayError && error.status === 408);
}

/** Where to look: neither the gateway nor the store knows more. */
const STEP = "Look at the client, and at what lies between it and the gateway: it left, or sent " +
  "less than it said";

/**
 * The client's body broke off, or is not framed as HTTP demands: the runtime does not tell which.
 *
 * @example
 * ```ts
 * import { BrokenBodyError } from "./broken_body_error.ts";
 * import assert from "node:assert/strict";
 *
 * assert.equal(new BrokenBodyError("it broke off").code, "NET-005");
 * ```
 */
export class BrokenBodyError extends GatewayError {
  /** @param state What is wrong with the body. */
  constructor(state: string, options: Pick<GatewayErrorOptions, "server" | "cause"> = {}) {
    super("NET-005", `Cannot read the body of the request: ${state}`, {
      ...options,
      troubleshooting: [STEP],
    });
  }
}
