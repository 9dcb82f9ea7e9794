/**
 * Audit trails in files.
 */
import { Secret } from "../../../src/config/values/secret.ts";
import { openAuditFile } from "../../../src/runtime/audit/audit_file.ts";
import type { AuditEvent } from "../../../src/telemetry/audit_event.ts";
import { seal } from "../../../src/telemetry/audit_chain.ts";

/** A key for chains. */
export const KEY: Secret = new Secret("a key of thirty-two characters or more");

/** An event as a JSON text. */
export function event(number: number): string {
  return JSON.stringify(eventOf(number));
}

/** The same event as an object. */
export function eventOf(number: number): AuditEvent {
  return {
    time: new Date(number).toISOString(),
    event: "access",
    outcome: "complete",
    request_id: `request ${number}`,
    study: "1.2.840.113619.2.55.3",
    parameters: ["PatientID"],
    bytes_sent: null,
  };
}

/** Writes a trail, with so many records per write. */
export async function writeTrail(
  path: string,
  batches: readonly number[],
  limits: { readonly maxBytes?: number; readonly maxFiles?: number } = {},
): Promise<void> {
  const { sink, end: begin } = await openAuditFile({ path, maxBytes: 1e9, maxFiles: 0, ...limits });
  let end = begin;
  for (const size of batches) {
    const events = Array.from({ length: size }, (_, i) => event(end.sequence + i));
    const sealed = seal(events, end, KEY);
    await sink.write(sealed.lines, sealed.end.sequence);
    end = sealed.end;
  }
  sink.close();
}

/** Runs a test with the path of a trail that does not exist yet. */
export async function withTrail(run: (path: string) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir({ prefix: "dicomweb-gateway-audit-" });
  try {
    await run(`${directory}/trail/audit.jsonl`);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}
