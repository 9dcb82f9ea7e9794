/**
 * `Audit`: the record of who did what, and where it goes.
 *
 * @module
 */
import { resolve } from "node:path";
import { z } from "zod";
import type { AuditConfig } from "./gateway_config.ts";
import { isHost, isLoopback } from "./host_names.ts";
import { certificatesIn } from "./pem.ts";
import { fileContent, type RawKeys, rawKeys, type ReadContext } from "./read_context.ts";
import { Secret } from "./secret.ts";
import { decimal, filePath, text, whole } from "./value_schemas.ts";

/** RFC 5425, section 4.1. */
const SYSLOG_TLS_PORT = 6514;
const MEGABYTE = 1_000_000;

/** The keys of `Audit`. */
export const auditSchema = z.strictObject({
  To: z.enum(["file", "stdout", "syslog"]).default("file").describe(
    "`file`: JSON lines in `File`; `stdout`: JSON lines on standard output; `syslog`: RFC 5424 over TLS",
  ),
  File: text().optional().describe(
    "Where the records are written; required for `file`. Its directory is the trail's own, made when " +
      "missing, outside `StateDirectory`, where workers may write",
  ),
  MaxMegabytes: decimal(0.001, 1_000_000).default(100).describe(
    "A file that has grown beyond this is finished and the next one begun",
  ),
  MaxFiles: whole(0, 1_000_000).default(0).describe(
    "How many finished files are kept; 0 for all of them",
  ),
  Syslog: z.strictObject({
    Host: text().refine(isHost, "must be a host name or an IP address").describe(
      "Host of the syslog server",
    ),
    Port: whole(1, 65_535).default(SYSLOG_TLS_PORT).describe("Its port for TLS"),
    CaFile: filePath().optional().describe("PEM file with the authority of its certificate"),
  }).optional().describe("Required for `syslog`"),
  Uids: z.enum(["plain", "hashed", "omitted"]).default("plain").describe(
    "How study, series and instance UIDs are recorded; `hashed` (HMAC-SHA-256) needs `Key`",
  ),
  Key: text().min(32, "must have 32 characters or more").optional().describe(
    "Secret that the chain is sealed with (HMAC-SHA-256), so that nobody without it can forge one; " +
      "without it the chain shows damage and clumsy changes only",
  ),
  OnFailure: z.enum(["refuse", "warn"]).optional().describe(
    "What becomes of requests while no record can be written: `refuse` answers 503 (INT-004), `warn` " +
      "goes on. `refuse` unless the gateway listens on loopback",
  ),
});

/**
 * Checks what the keys of `Audit` mean together.
 *
 * @param value The object as written, if any.
 * @param context Where it stands.
 * @param stateDirectory Absolute path of the directory that workers may write to.
 */
export function checkAudit(
  value: unknown,
  { path, report, files, directory }: ReadContext,
  stateDirectory: string,
): void {
  if (value === undefined) return;
  const raw: RawKeys = rawKeys(value);
  const { To: to = "file", File: file, Syslog: syslog, Uids: uids, Key: key } = raw;
  if (to === "file" && file === undefined) {
    report.add("CFG-001", [...path, "File"], "is missing: it says where the records are written");
  }
  if (to === "syslog" && syslog === undefined) {
    report.add("CFG-001", [...path, "Syslog"], 'To "syslog" needs Syslog with its Host');
  }
  if (uids === "hashed" && key === undefined) {
    report.add(
      "CFG-001",
      [...path, "Key"],
      'Uids "hashed" needs Key: a hash without one can be found by trying all UIDs there are',
    );
  }
  if (typeof file === "string" && `${resolve(directory, file)}/`.startsWith(`${stateDirectory}/`)) {
    report.add(
      "CFG-002",
      [...path, "File"],
      "must not lie in StateDirectory: workers may write there",
    );
  }
  const ca = fileContent(files, rawKeys(syslog)["CaFile"]);
  if (ca !== undefined && certificatesIn(ca).length === 0) {
    report.add(
      "CFG-002",
      [...path, "Syslog", "CaFile"],
      "must be a PEM file with at least one certificate (BEGIN CERTIFICATE)",
    );
  }
}

/**
 * Makes the configuration of the audit trail.
 *
 * @param keys The keys, checked.
 * @param context Where relative paths begin, and what the named files hold.
 * @param address Where the gateway listens.
 * @returns Where records go, and what they hold.
 */
export function buildAudit(
  keys: z.output<typeof auditSchema>,
  { directory, files }: Pick<ReadContext, "directory" | "files">,
  address: string,
): AuditConfig {
  return {
    target: targetOf(keys, { directory, files }),
    uids: keys.Uids,
    key: keys.Key === undefined ? undefined : new Secret(keys.Key),
    onFailure: keys.OnFailure ?? (isLoopback(address) ? "warn" : "refuse"),
  };
}

function targetOf(
  { To: to, File: file = "", MaxMegabytes, MaxFiles, Syslog: syslog }: z.output<typeof auditSchema>,
  { directory, files }: Pick<ReadContext, "directory" | "files">,
): AuditConfig["target"] {
  if (to === "stdout") return { kind: "stdout" };
  if (to === "syslog" && syslog !== undefined) {
    const caPem = fileContent(files, syslog.CaFile);
    const caCertificatesPem = caPem === undefined ? [] : [caPem];
    return { kind: "syslog", host: syslog.Host, port: syslog.Port, caCertificatesPem };
  }
  return {
    kind: "file",
    path: resolve(directory, file),
    maxBytes: Math.round(MaxMegabytes * MEGABYTE),
    maxFiles: MaxFiles,
  };
}
