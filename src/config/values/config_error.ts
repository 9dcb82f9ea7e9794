/**
 * All problems of a configuration at once: each with its code, the path of the key and a sentence.
 * Values of the configuration never appear, because any of them may be a secret.
 */
import type { ErrorCode } from "../../errors/catalogue.ts";

export type ConfigCode = Extract<ErrorCode, `CFG-${string}`>;

export interface ConfigProblem {
  readonly code: ConfigCode;
  /** The key, such as `DicomWebOAuth.Servers.main.Url`; empty for the file as a whole. */
  readonly path: string;
  /** What is wrong and how to fix it. */
  readonly message: string;
}

/** The names and indexes that lead to a key. */
export type KeyPath = readonly PropertyKey[];

/** A configuration that cannot be used, with all its problems. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  /** Never empty. */
  readonly problems: readonly ConfigProblem[];

  /** @param subject What cannot be used: usually the path of the file. */
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
 * The path of a key as messages show it, from the top of the file.
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
