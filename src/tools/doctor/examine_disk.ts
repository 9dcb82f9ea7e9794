/**
 * Examines the disks that the gateway writes to: their free space, and whether a file can be written.
 */
import type { GatewayConfig } from "../../config/gateway_config.ts";
import { reasonOf } from "../../errors/reason.ts";
import { spaceFault, writtenDirectories } from "../../runtime/disk_space.ts";
import { FAULTS } from "../../telemetry/faults.ts";
import { type Finding, finding } from "./finding.ts";

/** More than file systems keep in an inode. */
const TEST_BYTES = 64 * 1024;

export async function examineDisks(config: GatewayConfig): Promise<Finding[]> {
  const directories = writtenDirectories(config);
  return await Promise.all(directories.map(examineDisk));
}

async function examineDisk(directory: string): Promise<Finding> {
  const advice = [FAULTS.disk_space.remedy];
  const info = await Deno.stat(directory).catch(() => undefined);
  if (info === undefined) {
    return finding("disk space", directory, "skipped", "Not tested: it does not exist yet.");
  }
  const space = await spaceFault(directory);
  // Another user may write where the gateway may not, and the reverse.
  const isOwn = info.uid === null || info.uid === Deno.uid();
  const failure = isOwn && info.isDirectory ? await writeFailure(directory) : undefined;
  if (failure !== undefined) {
    const message = `A test file cannot be written: ${failure}.`;
    return finding("disk space", directory, "failed", message, { advice });
  }
  if (space !== undefined) return finding("disk space", directory, "warn", `${space}.`, { advice });
  const message = isOwn ? "A test file was written and deleted." : "There is free space.";
  return finding("disk space", directory, "ok", message);
}

async function writeFailure(directory: string): Promise<string | undefined> {
  try {
    const path = await Deno.makeTempFile({ dir: directory, prefix: "doctor-" });
    try {
      await Deno.writeFile(path, new Uint8Array(TEST_BYTES));
    } finally {
      await Deno.remove(path);
    }
    return undefined;
  } catch (error) {
    return reasonOf(error);
  }
}
