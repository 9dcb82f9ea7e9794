/**
 * Free space where the gateway writes. Workers may not ask for it.
 */
import { statfs } from "node:fs/promises";
import { dirname } from "node:path";
import { permissionSet } from "../config/sandbox/permission_set.ts";
import type { GatewayConfig } from "../config/gateway_config.ts";

/** Less than both is nearly full: large disks have room at one percent, small ones at 100 MiB. */
const LOW_PART = 0.05;
const LOW_BYTES = 1024 ** 3;
/** Not even the files of the token cache. */
const FULL_BYTES = 64 * 1024;

/** The directories that the gateway writes to while it runs. */
export function writtenDirectories(config: GatewayConfig): readonly string[] {
  const { audit, stateDirectory } = config;
  return [
    ...(permissionSet(config).write === false ? [] : [stateDirectory]),
    ...(audit?.target.kind === "file" ? [dirname(audit.target.path)] : []),
  ];
}

/** Why files in these directories may not be written soon; undefined if there is space. */
export async function diskFault(directories: readonly string[]): Promise<string | undefined> {
  const faults = await Promise.all(directories.map(spaceFault));
  const found = faults.filter((fault) => fault !== undefined);
  return found.length === 0 ? undefined : found.join("; ");
}

/** The fault of one directory. */
export async function spaceFault(directory: string): Promise<string | undefined> {
  let facts;
  try {
    facts = await statfs(directory);
  } catch {
    // A directory that is missing or not accessible is reported by what writes there.
    return undefined;
  }
  const { bsize, blocks, bavail, files, ffree } = facts;
  // Some file systems report no numbers.
  if (blocks > 0) {
    const free = bavail * bsize;
    if (free < FULL_BYTES) return `The disk of ${directory} is full`;
    const part = bavail / blocks;
    if (part < LOW_PART && free < LOW_BYTES) {
      const mebibytes = (free / 1024 ** 2).toFixed(1);
      return `The disk of ${directory} has ${mebibytes} MiB free (${(100 * part).toFixed(1)} %)`;
    }
  }
  if (files > 0 && ffree === 0) return `The disk of ${directory} has no room for another file`;
  return undefined;
}
