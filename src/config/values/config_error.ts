/**
 * What is wrong with a configuration, said all at once: each problem with its code, the path of the
 * key and a sentence. Values of the configuration never appear, because any of them may be a secret.
 *
 * @module
 */
import type { ErrorCode } from "../../errors/catalogue.ts";

/** The codes a configuration can fail with. */
export type ConfigCode = Extract<ErrorCode, `CFG-${string}`>;

/** One thing that is wrong with a configuration. */
export interface ConfigProblem {
  readonly code: ConfigCode;
  /** The key, such as `DicomWebOAuth.Servers.main.Url`; empty for the file as a whole. */
  readonly path: string;
  /** What is wrong with it and what would be right. */
  readonly message: string;
}

/** The names and indexes that lead to a key. */
export type KeyPath = readonly PropertyKey[];

/** A configuration that cannot be used, with everything that is wrong with it. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  /** Everything that was found; never empty. */
  readonly problems: readonly ConfigProblem[];

  /**
   * @param subject What cannot be used: the path of the file, as a rule.
   * @param problems Everything that is wrong with it.
   */
  constructor(subject: string, problems: readonly ConfigProblem[]) {
    const lines = problems.map(({ code, path, message }) =>
      `  ${code} ${path === "" ? "" : `${path}: `}${message}`
    );
    super([`Cannot use the configuration ${subject}:`, ...lines].join("\n"));
    this.problems = problems;
  }
}

const PLAIN = /^[A-Za-z_$][\w$-]*$/;
const LONGEST_NAME = 80;

/**
 * Writes the path of a key for people.
 *
 * @param path Names and indexes from the top of the file.
 * @returns The path, with dots where names allow it.
 *
 * @example
 * ```ts
 * import { keyPath } from "./config_error.ts";
 * import assert from "node:assert/strict";
 *
 * assert.equal(keyPath(["Servers", "main", "Url"]), "Servers.main.Url");
 * assert.equal(keyPath(["Servers", "v1.0", "JWTAlgorithms", 0]), 'Servers["v1.0"].JWTAlgorithms[0]');
 * ```
 */
export function keyPath(path: KeyPath): string {
  return path.reduce<string>((written, step) => {
    if (typeof step === "number") return `${written}[${step}]`;
    const name = String(step);
    const short = name.length > LONGEST_NAME ? `${name.slice(0, LONGEST_NAME)}…` : name;
    if (!PLAIN.test(name)) return `${written}[${JSON.stringify(short)}]`;
    return written === "" ? short : `${written}.${short}`;
  }, "");
}
