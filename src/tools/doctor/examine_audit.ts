/**
 * Examines the target of the audit trail, without writing a record: also while a gateway writes there.
 */
import { dirname } from "node:path";
import type { GatewayConfig } from "../../config/gateway_config.ts";
import { reasonOf } from "../../errors/reason.ts";
import { testSyslog } from "../../network/syslog_connection.ts";
import { testAuditFile } from "../../runtime/audit/audit_file.ts";
import { FAULTS } from "../../telemetry/faults.ts";
import { type Finding, finding } from "./finding.ts";

const TIMEOUT_MS = 5_000;

export async function examineAudit({ audit }: GatewayConfig): Promise<Finding[]> {
  if (audit === undefined) return [];
  const { target } = audit;
  switch (target.kind) {
    case "stdout":
      return [finding("audit trail", null, "skipped", "Not tested: it goes to standard output.")];
    case "syslog": {
      const where = `${target.host}:${target.port}`;
      const test = testSyslog({ ...target, timeoutMs: TIMEOUT_MS });
      return [await outcome(where, test, "The syslog server answers; nothing was sent.")];
    }
    case "file": {
      const directory = await Deno.stat(dirname(target.path)).catch(() => undefined);
      if (directory === undefined) {
        const message = "It does not exist yet; the gateway creates it.";
        return [finding("audit trail", target.path, "ok", message)];
      }
      if (directory.uid !== null && directory.uid !== Deno.uid()) {
        const why = `run \`doctor\` as the user of the gateway (${directory.uid})`;
        const message = `Not tested: ${why} to test it.`;
        return [finding("audit trail", target.path, "skipped", message)];
      }
      const test = testAuditFile(target);
      return [await outcome(target.path, test, "It can be continued; nothing was written.")];
    }
  }
}

async function outcome(target: string, test: Promise<void>, success: string): Promise<Finding> {
  try {
    await test;
    return finding("audit trail", target, "ok", success);
  } catch (error) {
    const message = `Records cannot be written: ${reasonOf(error)}.`;
    const { remedy } = FAULTS.audit_trail;
    return finding("audit trail", target, "failed", message, { code: "INT-004", advice: [remedy] });
  }
}
