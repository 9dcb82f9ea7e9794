/**
 * Checks the packages of `deno.lock` for known vulnerabilities with `deno audit`, which fails from
 * moderate severity on. If the registry does not support the query, like many mirrors, the result
 * is unknown; with `--strict` that is a failure too.
 */

export type Verdict = "clean" | "vulnerable" | "unknown";

/** The verdict and Deno's output. */
export interface Audit {
  readonly verdict: Verdict;
  readonly report: string;
}

/** Audits the project of a directory. */
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
  // A finished audit writes its result to standard output. Anything else is no result.
  if (/^Found \d+ vulnerabilit|^No known vulnerabilities/m.test(said!)) {
    return { verdict: code === 0 ? "clean" : "vulnerable", report: said! };
  }
  const [reason = ""] = complained!.split("\n");
  return { verdict: "unknown", report: reason.replace(/^error: /, "") };
}

/**
 * The exit code of a verdict.
 *
 * @param isStrict Whether `unknown` is a failure.
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
