/**
 * A string that is not revealed when printed, logged, inspected or turned into JSON.
 */

const HIDDEN = "[secret]";

/**
 * A secret value of the configuration.
 *
 * @example
 * ```ts
 * import { Secret } from "./secret.ts";
 * import assert from "node:assert/strict";
 *
 * const secret = new Secret("hunter2");
 * assert.equal(`${secret}`, "[secret]");
 * assert.equal(JSON.stringify({ secret }), '{"secret":"[secret]"}');
 * assert.equal(secret.reveal(), "hunter2");
 * ```
 */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  /** The secret itself: only where it is used. */
  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return HIDDEN;
  }

  toJSON(): string {
    return HIDDEN;
  }

  [Symbol.for("Deno.customInspect")](): string {
    return HIDDEN;
  }

  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return HIDDEN;
  }
}
