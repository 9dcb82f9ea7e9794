/**
 * Where values come from besides the text of a configuration: files that keys name, and environment
 * variables. Schemas are constants, so their transforms get the sources of the current parse from here.
 */
import { AsyncLocalStorage } from "node:async_hooks";

/** The text of a file, or why there is none. */
export type FileText =
  | { readonly content: string }
  | {
    readonly failure: string;
    /** Whether there is a file, but no text in it. */
    readonly isDamaged?: boolean;
  };

interface Sources extends ReadSources {
  /** The section as written, for rules that depend on whether a key of another object is given. */
  readonly section: Readonly<Record<string, unknown>>;
}

/** Sources besides the file of the configuration. */
export interface ReadSources {
  /** Absolute path that relative paths are resolved against. */
  readonly directory: string;
  /** Absolute path of the default state directory. */
  readonly stateHome: string;
  readonly environment: Environment;
  /** Reads a file by its path as written. */
  readonly read: (path: string) => Promise<FileText>;
}

/** Environment variables by name; `undefined` if unset or empty. */
export type Environment = Readonly<Record<string, string | undefined>>;

const current = new AsyncLocalStorage<Sources>();

/** Runs a parse whose transforms take values from these sources. */
export function withSources<Result>(sources: Sources, parse: () => Result): Result {
  return current.run(sources, parse);
}

/**
 * The sources of the current parse.
 *
 * @throws {TypeError} Outside of {@linkcode withSources}.
 */
export function sources(): Sources {
  const found = current.getStore();
  if (found === undefined) throw new TypeError("Cannot parse a configuration without its sources");
  return found;
}
