/**
 * The `doctor` command: diagnoses each step from this machine to a store; reports what fails, why, and
 * what to do about it.
 */
import { ConfigError } from "../config/values/config_error.ts";
import { examine } from "../tools/doctor/examine.ts";
import { type Finding, finding, type Outcome, type Report } from "../tools/doctor/finding.ts";
import { keepFilesPrivate } from "../runtime/state_directory.ts";
import { ExitCode } from "./exit_code.ts";
import { type ConfigFlags, loadConfig, selectServers } from "./load.ts";
import { paint, print, printable, type Tone } from "./terminal.ts";

const TONES: Readonly<Record<Outcome, Tone>> = {
  ok: "good",
  warn: "doubtful",
  failed: "bad",
  skipped: "quiet",
};

/**
 * Diagnoses servers: all unless some are named.
 *
 * @throws {ConfigError} When the configuration is invalid; with `--json`, this is in the report.
 */
export async function doctor(
  named: readonly string[],
  flags: ConfigFlags & { readonly json?: true },
  version: string,
): Promise<number> {
  keepFilesPrivate();
  try {
    const config = await loadConfig(flags);
    const names = selectServers(config, named);
    if (names === undefined) return ExitCode.usage;
    const report = await examine(config, { names, version });
    if (flags.json) print(JSON.stringify(report, null, 2));
    else show(report);
    return report.outcome === "failed" ? ExitCode.failure : ExitCode.ok;
  } catch (error) {
    if (!(error instanceof ConfigError) || !flags.json) throw error;
    print(JSON.stringify(reportOf(error), null, 2));
    return ExitCode.configuration;
  }
}

function reportOf({ problems }: ConfigError): Report {
  const gateway = problems.map(({ code, path, message }) =>
    finding("configuration", path || null, "failed", message, { code })
  );
  const checkedAt = new Date().toISOString();
  return { version: 1, outcome: "failed", checkedAt, gateway, servers: [] };
}

function show({ outcome, gateway, servers }: Report): void {
  print(paint("strong", "Gateway"));
  showFindings(gateway);
  for (const { name, url, findings } of servers) {
    print("");
    print(`${paint("strong", `Server ${name}`)}  ${url}`);
    showFindings(findings);
  }
  print("");
  const all = [...gateway, ...servers.flatMap(({ findings }) => findings)];
  const count = (wanted: Outcome) => all.filter(({ outcome }) => outcome === wanted).length;
  const verdict = outcome === "ok"
    ? "All checks passed."
    : outcome === "warn"
    ? `No failures; ${count("warn")} to review.`
    : `${count("failed")} failed: start with the first.`;
  print(paint(TONES[outcome], verdict));
}

function showFindings(findings: readonly Finding[]): void {
  const stepWidth = Math.max(...findings.map(({ step }) => step.length));
  const targetWidth = Math.max(...findings.map(({ target }) => target?.length ?? 0));
  for (const { outcome, step, target, message, code, advice } of findings) {
    const mark = paint(TONES[outcome], outcome.padEnd(7));
    const where = targetWidth === 0 ? "" : `${(target ?? "").padEnd(targetWidth)}  `;
    const found = `${step.padEnd(stepWidth)}  ${where}${message}${code ? ` [${code}]` : ""}`;
    print(`  ${mark}  ${printable(found)}`);
    for (const line of advice) print(printable(`             ${line}`));
  }
}
