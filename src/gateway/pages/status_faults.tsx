/**
 * The gateway's own faults on the status page: since when, why, and what to do.
 */
import type { JSX } from "hono/jsx/jsx-runtime";
import { effectOf, type Fault, FAULTS } from "../../telemetry/faults.ts";
import { counted, span } from "./status_text.ts";

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
  const { kind, sinceMs, reason } = fault;
  const { title, remedy } = FAULTS[kind];
  return (
    <div class="fault" id={`fault-${kind}`}>
      <p>
        <strong>{title}</strong>{" "}
        <span class="small">for {span(Math.max(1, (nowMs - sinceMs) / 1000))}</span>
      </p>
      <p>{effectOf(fault)}</p>
      <p class="reason">Reason: {/[.!?]$/.test(reason) ? reason : `${reason}.`}</p>
      <p>
        <strong>What to do:</strong> {remedy}
      </p>
    </div>
  );
}
