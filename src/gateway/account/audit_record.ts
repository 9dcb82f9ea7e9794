/**
 * Makes the audit record of a request of its facts.
 */
import type { AuditEvent, AuditKind, AuditRecorder } from "../../telemetry/audit_event.ts";
import type { NameUid } from "../../telemetry/audit_uids.ts";
import type { PassedBytes } from "../../upstream/forward_request.ts";
import type { RequestFacts } from "./request_facts.ts";

export interface AuditOptions {
  readonly trail: AuditRecorder;
  readonly nameUid: NameUid;
  /** Requests in progress, for records of those that are cut off. */
  readonly unfinished?: Set<{ cutOff(): void }> | undefined;
}

/** Codes of requests without valid credentials. */
const AUTHENTICATION: ReadonlySet<string> = new Set(["AUTH-005", "AUTH-006", "AUTH-009"]);
/** Codes of requests without permission. */
const AUTHORIZATION: ReadonlySet<string> = new Set(["AUTH-004", "AUTH-007", "AUTH-008"]);

/** More parameters than a search has. */
const MAX_PARAMETERS = 50;
/** Keywords, tags, paths of tags. Anything else may be a typing error that contains a patient's name. */
const PARAMETER_NAME = /^[A-Za-z0-9_.]{1,64}$/;

/** @param end How the response ended, when, and how long after the request. */
export function auditRecord(
  facts: RequestFacts,
  end: { readonly outcome: string; readonly atMs: number; readonly tookMs: number },
  nameUid: NameUid,
): AuditEvent {
  const { destination, error, transaction } = facts;
  const counted = countedBytes(facts.transfer, facts.bytesSent);
  return {
    time: new Date(end.atMs).toISOString(),
    event: auditKind(facts),
    request_id: facts.requestId,
    subject: facts.subject,
    client: facts.client,
    method: facts.method,
    page: destination.kind === "store" ? null : destination.route,
    server: facts.named ?? null,
    transaction: transaction?.name ?? null,
    study: nameUid(transaction?.study),
    series: nameUid(transaction?.series),
    instance: nameUid(transaction?.instance),
    parameters: parameterNames(transaction?.query ?? ""),
    status: facts.status ?? null,
    // A client that left during the exchange met no failure; one that was rejected before was rejected.
    error_code: error === undefined || (facts.hasLeft && !isRefusal(error.code))
      ? null
      : error.code,
    ...(facts.transfer?.isFromMemory && { served: "memory" }),
    bytes_received: counted.received ?? facts.bytesReceived ?? null,
    bytes_sent: counted.sent ?? facts.bytesSent ?? null,
    outcome: end.outcome,
    duration_ms: Math.round(end.tookMs),
  };
}

/** Whether a code means missing credentials or permission. */
export function isRefusal(code: string): boolean {
  return AUTHENTICATION.has(code) || AUTHORIZATION.has(code);
}

function auditKind({ error, destination }: RequestFacts): AuditKind {
  if (error !== undefined && AUTHENTICATION.has(error.code)) return "authentication";
  if (error !== undefined && AUTHORIZATION.has(error.code)) return "authorization";
  return destination.kind === "store" ? "access" : "management";
}

/** What was counted by the end: the stated length of the response is then not needed. */
function countedBytes(
  transfer: PassedBytes | undefined,
  statedLength: number | undefined,
): { readonly received: number | undefined; readonly sent: number | undefined } {
  return {
    received: transfer?.fromClient,
    sent: statedLength === undefined ? undefined : transfer?.fromStore,
  };
}

/** Names only: the values are names and dates of patients. */
function parameterNames(query: string): string[] {
  if (query === "") return [];
  const names = new Set<string>();
  for (const parameter of query.split("&", MAX_PARAMETERS)) {
    const end = parameter.indexOf("=");
    const name = parameter.slice(0, Math.max(0, end));
    names.add(PARAMETER_NAME.test(name) ? name : "?");
  }
  return [...names];
}
