/**
 * Asks the registry for known vulnerabilities of what `deno.lock` has: `deno audit`, which fails from
 * moderate severity on. Where the registry does not answer that question, as behind a mirror of
 * packages, nothing is known and that is said; with `--strict` it is a failure too.
 *
 * @module
 */

/** What an audit found. */
export type Verdict = "clean" | "vulnerable" | "unknown";

/** An audit's verdict, and what Deno said. */
export interface Audit {
  readonly verdict: Verdict;
  readonly report: string;
}

/**
 * Audits a project.
 *
 * @param directory Directory of its `deno.json`.
 */
export async function audit(
  directory: string,
  env: Readonly<Record<string, string>> = {},
): Promise<Audit> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["audit", "--level=moderate"],
    cwd: directory,
    env: { NO_COLOR: "1", ...env },
  }).output();
  const [said, complained] = [stdout, stderr].map((bytes) =>
    new TextDecoder().decode(bytes).trim()
  );
  // Both outcomes of a finished audit go to standard output. Anything else is no outcome.
  if (/^Found \d+ vulnerabilit|^No known vulnerabilities/m.test(said!)) {
    return { verdict: code === 0 ? "clean" : "vulnerable", report: said! };
  }
  const [reason = ""] = complained!.split("\n");
  return { verdict: "unknown", report: reason.replace(/^error: /, "") };
}

/**
 * Says how a run ends.
 *
 * @param isStrict Whether it must be known.
 */
export function exitCode(verdict: Verdict, isStrict: boolean): number {
  return verdict === "vulnerable" || verdict === "unknown" && isStrict ? 1 : 0;
}

if (import.meta.main) {
  const { verdict, report } = await audit(new URL("../../", import.meta.url).pathname);
  const text = verdict === "unknown"
    ? `Not audited: the registry does not answer what is vulnerable (${report})`
    : report;
  await new Blob([`${text}\n`]).stream().pipeTo(Deno.stdout.writable);
  Deno.exit(exitCode(verdict, Deno.args.includes("--strict")));
}
