/**
 * The findings of an examination, step by step, as `doctor --json` prints them.
 */
import { GatewayError } from "../../errors/gateway_error.ts";
import { reasonOf } from "../../errors/reason.ts";

export type Outcome = "ok" | "warn" | "failed" | "skipped";

/** The steps, in their order. */
export type Step =
  | "configuration"
  | "deno"
  | "state directory"
  | "token cache"
  | "audit trail"
  | "disk space"
  | "listener"
  | "gateway"
  | "proxy"
  | "name"
  | "connection"
  | "certificate"
  | "distance"
  | "token"
  | "search"
  | "urls"
  | "clock";

export interface Finding {
  readonly step: Step;
  /** The `host:port` or file that was examined. */
  readonly target: string | null;
  readonly outcome: Outcome;
  /** One sentence or more. */
  readonly message: string;
  /** A code of the error catalogue. */
  readonly code: string | null;
  /** The likeliest remedy first. */
  readonly advice: readonly string[];
  /** Facts for programs; they depend on the step. */
  readonly details: Readonly<Record<string, unknown>>;
}

export interface ServerReport {
  readonly name: string;
  readonly url: string;
  readonly outcome: Outcome;
  readonly findings: readonly Finding[];
}

export interface Report {
  readonly version: 1;
  readonly outcome: Outcome;
  readonly checkedAt: string;
  readonly gateway: readonly Finding[];
  readonly servers: readonly ServerReport[];
}

export function finding(
  step: Step,
  target: string | null,
  outcome: Outcome,
  message: string,
  more: Partial<Pick<Finding, "code" | "advice" | "details">> = {},
): Finding {
  return { step, target, outcome, message, code: null, advice: [], details: {}, ...more };
}

/** Makes a finding of an error, with the advice of the catalogue if the error has a code. */
export function failure(step: Step, target: string | null, error: unknown): Finding {
  const message = sentence(reasonOf(error));
  if (!(error instanceof GatewayError)) return finding(step, target, "failed", message);
  return finding(step, target, "failed", message, { code: error.code, advice: adviceOf(error) });
}

/** The advice of an error, without what the user at the terminal is already doing. */
export function adviceOf({ troubleshooting }: GatewayError): string[] {
  return troubleshooting.filter((advice) => !/\/dicomweb-oauth\/|`check`/.test(advice));
}

/** The worst of several outcomes: `failed`, `warn` or `ok`. Skipped steps do not count. */
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
