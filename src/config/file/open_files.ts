/**
 * Warns of files with secrets that every user of the machine may read; not of those in a directory that
 * is closed to others, and of the secrets of a container.
 */
import { dirname } from "node:path";

export interface FileFacts {
  /** The mode of a file or directory; `null` if the system has none. */
  readonly mode: (path: string) => Promise<number | null>;
  readonly realPath: (path: string) => Promise<string>;
}

/** The file system of this machine. Modes mean nothing on Windows. */
export const fileFacts: FileFacts = {
  mode: async (path) => Deno.build.os === "windows" ? null : (await Deno.stat(path)).mode,
  realPath: (path) => Deno.realPath(path),
};

/** A file, and the keys whose secrets it contains. */
export interface SecretFile {
  /** Absolute path. */
  readonly path: string;
  /** At least one. */
  readonly keys: readonly string[];
  /** The remedy, as the end of the warning. */
  readonly advice: string;
}

const READ_BY_ALL = 0o004;
const ENTERED_BY_ALL = 0o001;

/** Secrets of Docker, Podman and Kubernetes, readable by all within one container. */
const OF_A_CONTAINER = /^\/(?:var\/)?run\/secrets\//;

/** Whether an absolute path is that of a container's secret, which users of the machine cannot reach. */
export function isContainerSecret(path: string): boolean {
  return OF_A_CONTAINER.test(path);
}

/** The warning about a file that all may read; `undefined` if they may not, or if that is unknown. */
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
