/**
 * What is thrown when the client's body cannot be read to its end: nobody but the client has failed.
 *
 * @module
 */
import { GatewayError, type GatewayErrorOptions } from "./gateway_error.ts";

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
  /**
   * @param state What is wrong with the body.
   * @param options What else is known.
   */
  constructor(state: string, options: Pick<GatewayErrorOptions, "server" | "cause"> = {}) {
    super("NET-005", `Cannot read the body of the request: ${state}`, {
      ...options,
      troubleshooting: [STEP],
    });
  }
}
