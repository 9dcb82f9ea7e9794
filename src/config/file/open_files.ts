/**
 * Warns of files with secrets that every user of the machine may read. What is no danger is not
 * warned of: a directory above that is closed to others, a container's own files.
 *
 * @module
 */
import { dirname } from "node:path";

/** What is asked of the file system. */
export interface FileFacts {
  /** Tells the mode of a file or directory; `null` where the system has none. */
  readonly mode: (path: string) => Promise<number | null>;
  /** Follows symbolic links to their end. */
  readonly realPath: (path: string) => Promise<string>;
}

/** The facts of this machine. Modes say nothing on Windows. */
export const fileFacts: FileFacts = {
  mode: async (path) => Deno.build.os === "windows" ? null : (await Deno.stat(path)).mode,
  realPath: (path) => Deno.realPath(path),
};

/** A file, and the keys whose secrets it holds. */
export interface SecretFile {
  /** Absolute path. */
  readonly path: string;
  /** At least one. */
  readonly keys: readonly string[];
  /** What to do, as the end of the warning. */
  readonly advice: string;
}

/** Others than owner and group may read the file. */
const READ_BY_ALL = 0o004;
/** Others than owner and group may reach what is in the directory. */
const ENTERED_BY_ALL = 0o001;

/** Where Docker, Podman and Kubernetes put secrets, readable by all within one container. */
const OF_A_CONTAINER = /^\/(?:var\/)?run\/secrets\//;

/**
 * Tells whether a file is where containers have their secrets: its mode then says who may read it
 * in the container, and the machine's users do not get there.
 *
 * @param path Absolute path.
 */
export function isContainerSecret(path: string): boolean {
  return OF_A_CONTAINER.test(path);
}

/**
 * Warns of a file with secrets that all may read.
 *
 * @param facts What is asked of the file system.
 * @returns The warning; nothing where there is no reason, or no telling.
 */
export async function openFileWarning(
  { path, keys, advice }: SecretFile,
  facts: FileFacts,
): Promise<string | undefined> {
  const mode = await modeIfOpen(path, facts).catch(() => undefined);
  if (mode === undefined) return undefined;
  const [first, ...more] = keys;
  const octal = (mode & 0o777).toString(8).padStart(4, "0");
  return `${path} may be read by every user of this machine (mode ${octal}) and contains the secret of ` +
    `${first}${more.length > 0 ? ` and ${more.length} more` : ""}: ${advice}`;
}

async function modeIfOpen(path: string, facts: FileFacts): Promise<number | undefined> {
  const real = await facts.realPath(path);
  const mode = await facts.mode(real);
  if (mode === null || (mode & READ_BY_ALL) === 0) return undefined;
  for (let at = real; at !== dirname(at);) {
    at = dirname(at);
    if (((await facts.mode(at) ?? 0) & ENTERED_BY_ALL) === 0) return undefined;
  }
  return mode;
}
