/**
 * The state directory, accessible to the gateway's user only. Its content is encrypted, but the key may
 * be there as well, and a user who can write there could restore tokens that were revoked.
 */
import { ConfigError } from "../config/values/config_error.ts";
import { SECTION } from "../config/values/section.ts";
import { reasonOf } from "../errors/reason.ts";

const KEY = `${SECTION}.StateDirectory`;
const OTHERS = 0o077;

/** Whether modes and owners of files are enforced. */
const HAS_MODES = Deno.build.os !== "windows";

/**
 * Makes all new files of this process private to its user, including those of the workers, which may
 * not set this themselves.
 */
export function keepFilesPrivate(): void {
  if (HAS_MODES) Deno.umask(OTHERS);
}

/**
 * The reason why a directory cannot be the state directory; undefined if it can, or does not exist yet.
 *
 * @param path Absolute path.
 * @param user The required owner; anyone unless given.
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
    return `${path} cannot be used: ${reasonOf(error)}`;
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
 * Creates the state directory if needed, and makes its files private to this user.
 *
 * @param path Absolute path.
 * @throws {ConfigError} CFG-002 when it belongs to another user, or others may use it.
 */
export async function prepareStateDirectory(path: string): Promise<void> {
  try {
    await Deno.mkdir(path, { recursive: true, mode: 0o700 });
  } catch (error) {
    // Something else has that name: reported below.
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
    if (isFile) await closeFile(`${directory}/${name}`);
  }
}

async function closeFile(path: string): Promise<void> {
  try {
    const mode = (await Deno.lstat(path)).mode ?? 0;
    if ((mode & OTHERS) !== 0) await Deno.chmod(path, mode & 0o700);
  } catch (error) {
    // Another gateway that uses the directory may remove its files.
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
