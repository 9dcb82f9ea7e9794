/**
 * The gateway's own faults on the status page: since when, why, and what to do.
 */
import type { JSX } from "hono/jsx/jsx-runtime";
import { type Fault, FAULTS } from "../../telemetry/faults.ts";
import { ago, counted } from "./status_text.ts";

/** What a fault stops. */
const STOPS: Readonly<Record<NonNullable<Fault["stops"]>, string>> = {
  requests: "All requests to the servers are rejected meanwhile.",
  readiness: "Not ready: GET /readyz answers 503.",
};

export function Faults(
  { faults, nowMs }: { readonly faults: readonly Fault[]; readonly nowMs: number },
): JSX.Element | null {
  if (faults.length === 0) return null;
  return (
    <section aria-labelledby="faults">
      <h2 id="faults">Problems of the gateway itself</h2>
      {faults.map((fault) => <FaultPanel key={fault.kind} fault={fault} nowMs={nowMs} />)}
    </section>
  );
}

/** The headline of the page; undefined without faults. */
export function faultsHeadline(faults: readonly Fault[]): string | undefined {
  const [worst] = faults;
  if (worst === undefined) return undefined;
  if (faults.length === 1) return FAULTS[worst.kind].title;
  return `The gateway has ${counted(faults.length, "problem")}`;
}

function FaultPanel({ fault, nowMs }: { readonly fault: Fault; readonly nowMs: number }) {
  const { kind, sinceMs, reason, stops } = fault;
  const { title, remedy } = FAULTS[kind];
  return (
    <div class="fault" id={`fault-${kind}`}>
      <p>
        <strong>{title}</strong> <span class="small">since {ago(sinceMs, nowMs)}</span>
      </p>
      <p class="reason">{/[.!?]$/.test(reason) ? reason : `${reason}.`}</p>
      {stops !== undefined && <p>{STOPS[stops]}</p>}
      <p>
        <strong>What to do:</strong> {remedy}
      </p>
    </div>
  );
}
