/**
 * A string that must not be seen: it shows itself only when asked, never when printed, logged,
 * inspected or turned into JSON.
 *
 * @module
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

  /** @param value The secret itself. */
  constructor(value: string) {
    this.#value = value;
  }

  /** The secret itself, for the one place that needs it. */
  reveal(): string {
    return this.#value;
  }

  /** @returns A mark in place of the secret. */
  toString(): string {
    return HIDDEN;
  }

  /** @returns A mark in place of the secret. */
  toJSON(): string {
    return HIDDEN;
  }

  /** @returns A mark in place of the secret. */
  [Symbol.for("Deno.customInspect")](): string {
    return HIDDEN;
  }

  /** @returns A mark in place of the secret. */
  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return HIDDEN;
  }
}
