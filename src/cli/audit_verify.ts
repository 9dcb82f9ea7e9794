/**
 * The `audit verify` command: reports whether an audit trail is intact, and each place where it is not.
 */
import type { Secret } from "../config/values/secret.ts";
import { auditFiles } from "../runtime/audit/audit_file.ts";
import { type Anchor, verifyTrail } from "../runtime/audit/verify_trail.ts";
import { ExitCode } from "./exit_code.ts";
import { loadConfig } from "./load.ts";
import { complain, print } from "./terminal.ts";

/**
 * @param files Files to verify instead of the configured trail, oldest first; the key is always the
 * configured one.
 * @throws {ConfigError} When the configuration is invalid.
 */
export async function auditVerify(
  files: readonly string[],
  flags: { readonly config?: string; readonly anchor?: Anchor },
): Promise<number> {
  const { audit } = await loadConfig(flags);
  const found = files.length > 0 ? files : await configuredFiles(audit?.target);
  if (found === undefined) {
    complain("The configuration has no audit trail in a file; name the files to verify");
    return ExitCode.usage;
  }
  const isComplete = files.length === 0 && audit?.target.kind === "file" &&
    audit.target.maxFiles === 0;
  return await verify(found, { key: audit?.key, anchor: flags.anchor, isComplete });
}

async function verify(
  files: readonly string[],
  options: {
    readonly key: Secret | undefined;
    readonly anchor: Anchor | undefined;
    /** Whether the files must contain the first record: none of them is ever removed. */
    readonly isComplete: boolean;
  },
): Promise<number> {
  const { records, first, end, faults } = await verifyTrail(files, options);
  for (const { file, line, fault } of faults) complain(`${file}:${line}: ${fault}`);
  if (records === 0) {
    complain(`No records in ${files.join(", ")}`);
    return ExitCode.failure;
  }
  const lacksStart = options.isComplete && first > 1;
  print(`${records} records, ${first} to ${end.sequence}`);
  if (lacksStart) {
    complain(
      `Records 1 to ${first - 1} are missing although files are never removed (MaxFiles is 0)`,
    );
    complain("Name all files, including archived ones, oldest first");
  } else if (first > 1) {
    print(`Records 1 to ${first - 1} are in older files that were not given`);
  }
  print(`Last record: --anchor ${end.sequence}:${end.hash}`);
  if (faults.length === 0 && !lacksStart) {
    print("The audit trail is intact");
    return ExitCode.ok;
  }
  complain("The audit trail is not intact");
  return ExitCode.failure;
}

async function configuredFiles(
  target: { readonly kind: string; readonly path?: string } | undefined,
): Promise<readonly string[] | undefined> {
  if (target?.path === undefined) return undefined;
  try {
    return await auditFiles(target.path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [target.path];
    throw error;
  }
}
