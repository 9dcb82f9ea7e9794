/**
 * What an examination finds, step by step, in the form that `doctor --json` prints.
 *
 * @module
 */
import { GatewayError } from "../../errors/gateway_error.ts";

/** How a step went. */
export type Outcome = "ok" | "warn" | "failed" | "skipped";

/** The steps, in the order in which they are taken. */
export type Step =
  | "configuration"
  | "deno"
  | "state directory"
  | "token cache"
  | "listener"
  | "proxy"
  | "name"
  | "connection"
  | "certificate"
  | "token"
  | "search"
  | "clock";

/** What one step found. */
export interface Finding {
  readonly step: Step;
  /** The `host:port`, or the file, that was looked at. */
  readonly target: string | null;
  readonly outcome: Outcome;
  /** What was found, in a sentence. */
  readonly message: string;
  /** The catalogue's code, where it has one. */
  readonly code: string | null;
  /** What to do, the likeliest remedy first. */
  readonly advice: readonly string[];
  /** Facts for programs: each step has its own. */
  readonly details: Readonly<Record<string, unknown>>;
}

/** What was found out about one server. */
export interface ServerReport {
  readonly name: string;
  readonly url: string;
  readonly outcome: Outcome;
  readonly findings: readonly Finding[];
}

/** What was found out in all. */
export interface Report {
  readonly version: 1;
  readonly outcome: Outcome;
  readonly checkedAt: string;
  readonly gateway: readonly Finding[];
  readonly servers: readonly ServerReport[];
}

/** Makes a finding. */
export function finding(
  step: Step,
  target: string | null,
  outcome: Outcome,
  message: string,
  more: Partial<Pick<Finding, "code" | "advice" | "details">> = {},
): Finding {
  return { step, target, outcome, message, code: null, advice: [], details: {}, ...more };
}

/**
 * Makes a finding of what was thrown.
 *
 * @returns The finding, with the catalogue's remedies where the error has a code.
 */
export function failure(step: Step, target: string | null, error: unknown): Finding {
  const message = sentence(error instanceof Error ? error.message : String(error));
  if (!(error instanceof GatewayError)) return finding(step, target, "failed", message);
  return finding(step, target, "failed", message, { code: error.code, advice: adviceOf(error) });
}

/**
 * The remedies of an error, for someone at a terminal.
 *
 * @returns All but those that say to do what is being done.
 */
export function adviceOf({ troubleshooting }: GatewayError): string[] {
  return troubleshooting.filter((advice) => !/\/dicomweb-oauth\/|`check`/.test(advice));
}

/**
 * The worst of several outcomes.
 *
 * @returns `failed`, `warn`, or `ok`; what was skipped does not count.
 */
export function worst(findings: Iterable<{ readonly outcome: Outcome }>): Outcome {
  let worst: Outcome = "ok";
  for (const { outcome } of findings) {
    if (outcome === "failed") return outcome;
    if (outcome === "warn") worst = outcome;
  }
  return worst;
}

function sentence(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`;
}
