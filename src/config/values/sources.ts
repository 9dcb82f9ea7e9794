/**
 * What a configuration takes values from besides its own text: files that keys name, and environment
 * variables. Schemas are constants, so their transforms find the sources of the parse they run in here.
 *
 * @module
 */
import { AsyncLocalStorage } from "node:async_hooks";

/** The text of a file, or why there is none. */
export type FileText = { readonly content: string } | { readonly failure: string };

/** The sources of one parse. */
export interface Sources extends ReadSources {
  /** The section as written, for rules that depend on whether a key of another object is given. */
  readonly section: Readonly<Record<string, unknown>>;
}

/** What values come from besides the file itself. */
export interface ReadSources {
  /** Absolute path of the directory that relative paths are taken from. */
  readonly directory: string;
  /** Absolute path of the state directory where the configuration names none. */
  readonly stateHome: string;
  /** Environment variables; `undefined` where one is unset or empty. */
  readonly environment: Environment;
  /** Reads a file by its path as written. */
  readonly read: (path: string) => Promise<FileText>;
}

/** Environment variables by name. */
export type Environment = Readonly<Record<string, string | undefined>>;

const current = new AsyncLocalStorage<Sources>();

/** Runs a parse whose transforms take values from these sources. */
export function withSources<Result>(sources: Sources, parse: () => Result): Result {
  return current.run(sources, parse);
}

/**
 * The sources of the parse under way.
 *
 * @throws {TypeError} Outside of {@linkcode withSources}.
 */
export function sources(): Sources {
  const found = current.getStore();
  if (found === undefined) throw new TypeError("Cannot parse a configuration without its sources");
  return found;
}
