/**
 * The state directory: only the gateway's own user may have a look. What is in it is encrypted, but
 * whoever can write there could take it away or put back what was revoked.
 *
 * @module
 */
import { ConfigError } from "../config/values/config_error.ts";
import { SECTION } from "../config/values/section.ts";

const KEY = `${SECTION}.StateDirectory`;
const OTHERS = 0o077;

/** Whether files of this system have modes and owners that mean something. */
const HAS_MODES = Deno.build.os !== "windows";

/**
 * Has everything that this process makes from now on belong to its user alone. Holds for the workers
 * too, which may not set it themselves.
 */
export function keepFilesPrivate(): void {
  if (HAS_MODES) Deno.umask(OTHERS);
}

/**
 * Says why a directory cannot be the state directory, without changing anything.
 *
 * @param path Its absolute path.
 * @param user The user that it has to belong to; anyone unless given.
 * @returns What is wrong, or `undefined` where it is right or not there yet.
 */
export async function stateDirectoryFault(
  path: string,
  user?: number | null,
): Promise<string | undefined> {
  let info: Deno.FileInfo;
  try {
    info = await Deno.stat(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    return `${path} cannot be used: ${error instanceof Error ? error.message : "unknown reason"}`;
  }
  if (!info.isDirectory) return `${path} is not a directory`;
  if (!HAS_MODES) return undefined;
  if (user !== undefined && user !== null && info.uid !== user) {
    return `${path} belongs to another user (${info.uid}) than the gateway runs as (${user}): ` +
      `change its owner with chown, or name another directory`;
  }
  const mode = info.mode ?? 0;
  if ((mode & OTHERS) === 0) return undefined;
  const octal = (mode & 0o777).toString(8).padStart(4, "0");
  return `others than the gateway's user may use ${path} (mode ${octal}): ` +
    `run chmod 700 ${path}, or name a subdirectory, which the gateway creates`;
}

/**
 * Makes the state directory where it is not there, and sees that only this user may use it and what
 * is in it.
 *
 * @param path Its absolute path.
 * @throws {ConfigError} CFG-002 where it belongs to another user, or others may use it.
 */
export async function prepareStateDirectory(path: string): Promise<void> {
  try {
    await Deno.mkdir(path, { recursive: true, mode: 0o700 });
  } catch (error) {
    // Something else of that name: what follows says so.
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
  }
  const fault = await stateDirectoryFault(path, Deno.uid());
  if (fault !== undefined) {
    throw new ConfigError("of the gateway", [{ code: "CFG-002", path: KEY, message: fault }]);
  }
  if (HAS_MODES) await closeFiles(path);
}

/** Files of former versions may be open to others. */
async function closeFiles(directory: string): Promise<void> {
  for await (const { name, isFile } of Deno.readDir(directory)) {
    const path = `${directory}/${name}`;
    const mode = isFile ? (await Deno.lstat(path)).mode ?? 0 : 0;
    if ((mode & OTHERS) !== 0) await Deno.chmod(path, mode & 0o700);
  }
}
