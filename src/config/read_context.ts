/**
 * What the parts of the configuration are handed while they check and build: where they stand, the
 * files the configuration names, and where problems go.
 *
 * @module
 */
import type { KeyPath } from "./config_error.ts";
import type { ProblemReport } from "./problem_report.ts";

/** An object of the file before it is checked. */
export type RawKeys = Readonly<Record<string, unknown>>;

/** Where a part of the configuration stands and what belongs to it. */
export interface ReadContext {
  /** The key of the object that is read. */
  readonly path: KeyPath;
  /** Absolute path of the directory that relative paths are taken from. */
  readonly directory: string;
  /** Contents of the files that the configuration names, by path as written there. */
  readonly files: Readonly<Record<string, string>>;
  /** Environment variables that a way of signing takes its settings from, where they are set. */
  readonly environment: Readonly<Record<string, string>>;
  readonly report: ProblemReport;
}

/**
 * The keys of a value that should be an object.
 *
 * @param value Anything.
 * @returns Its keys; none when it is no object.
 */
export function rawKeys(value: unknown): RawKeys {
  return isObject(value) ? value : {};
}

/**
 * Whether a value of the file is an object rather than a list, a text, a number or `null`.
 *
 * @param value Anything.
 * @returns Whether it has keys.
 */
export function isObject(value: unknown): value is RawKeys {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * The content of a file that the configuration names.
 *
 * @param files The contents by path.
 * @param path The path as written in the configuration; anything else names no file.
 * @returns The content, or `undefined` where it could not be read, which has been reported.
 */
export function fileContent(files: ReadContext["files"], path: unknown): string | undefined {
  return typeof path === "string" && Object.hasOwn(files, path) ? files[path] : undefined;
}
