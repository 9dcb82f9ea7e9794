/**
 * Records every request in the audit trail when its answer has been sent, and refuses requests while
 * nothing can be recorded, where the configuration wants that.
 *
 * @module
 */
import type { Context, MiddlewareHandler } from "hono";
import { ANONYMOUS } from "../credentials/inbound/caller.ts";
import type { ErrorCode } from "../errors/catalogue.ts";
import { isOfClientsBody } from "../errors/broken_body_error.ts";
import { GatewayError } from "../errors/gateway_error.ts";
import type { AuditKind, AuditRecorder } from "../telemetry/audit_event.ts";
import type { NameUid } from "../telemetry/audit_uids.ts";
import type { PassedBytes } from "../upstream/store.ts";
import { onAnswerEnd } from "./answer_end.ts";
import { isOpen } from "./authenticate.ts";
import { receivedBytes, sentBytes } from "./body_bytes.ts";
import type { ClientAddress } from "./client_address.ts";
import type { GatewayEnv } from "./gateway_env.ts";
import { asGatewayError } from "./problem.ts";

/** What recording works with. */
export interface AuditRequestsOptions {
  readonly trail: AuditRecorder;
  readonly nameUid: NameUid;
  readonly addresses: ClientAddress;
  /** The configured servers, by name. */
  readonly servers: { has(name: string): boolean };
  /** The clock, in milliseconds since the epoch. */
  readonly now: () => number;
  /** Holds of each request that runs what records that it was cut off; nothing does unless given. */
  readonly unfinished?: Set<() => void> | undefined;
}

/** Codes of who could not, or did not, show who they are. */
const AUTHENTICATION: ReadonlySet<string> = new Set(["AUTH-005", "AUTH-006", "AUTH-009"]);
/** Codes of what somebody may not do. */
const AUTHORIZATION: ReadonlySet<string> = new Set(["AUTH-004", "AUTH-007", "AUTH-008"]);

const REFUSALS: ReadonlySet<AuditKind> = new Set(["authentication", "authorization"]);

/** More parameters than a search has. */
const MAX_PARAMETERS = 50;
/** Names as DICOMweb has them: keywords, tags, paths of tags. Others may be a client's slip of the pen. */
const PARAMETER_NAME = /^[A-Za-z0-9_.]{1,64}$/;

/**
 * Makes the middleware.
 *
 * @param options What it works with.
 * @returns Records what the other steps and the store made of a request.
 */
export function auditRequests(options: AuditRequestsOptions): MiddlewareHandler<GatewayEnv> {
  const { trail, now, unfinished = new Set() } = options;
  return async function auditRequest(c, next) {
    if (isOpen(c.get("destination"))) return await next();
    if (trail.isRefusing && !isReadingOwnPage(c)) {
      throw new GatewayError("INT-004", "Cannot take the request: it could not be recorded");
    }
    const startedMs = performance.now();
    let facts: Facts | undefined = undefined;
    const record = (outcome: string) => {
      if (!unfinished.delete(cutOff)) return;
      const event = {
        time: new Date(now()).toISOString(),
        ...(facts ?? { ...factsOf(c, options), status: null }),
        outcome,
        duration_ms: Math.round(performance.now() - startedMs),
      };
      const passed = c.get("transfer");
      const isCounted = passed?.fromClient !== undefined || passed?.fromStore !== undefined;
      trail.record(isCounted ? { ...event, ...countedBytes(passed, event.bytes_sent) } : event);
    };
    const cutOff = () => record("broken off");
    unfinished.add(cutOff);
    await next();
    // When the answer has been sent, the request can no longer be read.
    facts = factsOf(c, options);
    if (REFUSALS.has(facts.event)) record("refused");
    else if (c.error !== undefined) record(isOfClient(c) ? "broken off" : "failed");
    else {
      const answer = {
        request: c.req.raw,
        completed: c.env.completed,
        response: c.res,
        passed: c.get("transfer"),
      };
      onAnswerEnd(answer, record);
    }
  };
}

/** What is known of a request; without a status where it was cut off before there was an answer. */
interface Facts extends Omit<ReturnType<typeof factsOf>, "status"> {
  readonly status: number | null;
}

/** Whoever looks for what is wrong must see it. */
function isReadingOwnPage(c: Context<GatewayEnv>): boolean {
  const { method } = c.req;
  return (method === "GET" || method === "HEAD") && c.get("destination").kind === "page";
}

/** All that is known before the answer has been sent. */
function factsOf(
  c: Context<GatewayEnv>,
  { nameUid, addresses, servers }: AuditRequestsOptions,
) {
  const { raw } = c.req;
  const code = c.error === undefined ? null : codeOf(c.error, hasLeft(c));
  const destination = c.get("destination");
  const isForStore = destination.kind === "store";
  // A name that is not configured may be anything. A rejected request was still for a server.
  const named = destination.server ?? "";
  const server = c.get("server") ?? (servers.has(named) ? named : null);
  const transaction = isForStore && server !== null ? destination.transaction : undefined;
  return {
    event: kindOf(code, isForStore),
    request_id: c.get("requestId"),
    subject: (c.get("caller") ?? ANONYMOUS).subject,
    client: c.get("address") ?? addresses.of(raw.headers, c.env.remoteAddr?.hostname),
    method: raw.method,
    page: isForStore ? null : destination.route,
    server,
    transaction: transaction?.name ?? null,
    study: nameUid(transaction?.study),
    series: nameUid(transaction?.series),
    instance: nameUid(transaction?.instance),
    parameters: parameterNames(transaction?.query ?? ""),
    status: c.res.status,
    error_code: code,
    bytes_received: receivedBytes(raw, c.res.status) ?? null,
    bytes_sent: sentBytes(raw.method, c.res) ?? null,
  };
}

/** What has been counted by the end, where it is: the told length of the answer is then not needed. */
function countedBytes({ fromClient, fromStore }: PassedBytes, toldLength: number | null) {
  return {
    ...(fromClient !== undefined && { bytes_received: fromClient }),
    ...(fromStore !== undefined && toldLength !== null && { bytes_sent: fromStore }),
  };
}

/** Whether the client left before there was an answer, or did not send its body to the end. */
function isOfClient(c: Context<GatewayEnv>): boolean {
  return hasLeft(c) || isOfClientsBody(c.error);
}

/** Whether the client left before there was an answer. */
function hasLeft({ error, req }: Context<GatewayEnv>): boolean {
  return error !== undefined && req.raw.signal.aborted;
}

/** Who left while the gateway was at work was not failed by it; who was refused before was refused. */
function codeOf(error: Error, hasLeft: boolean): ErrorCode | null {
  const { code } = asGatewayError(error);
  return hasLeft && !AUTHENTICATION.has(code) && !AUTHORIZATION.has(code) ? null : code;
}

function kindOf(code: string | null, isForStore: boolean): AuditKind {
  if (code !== null && AUTHENTICATION.has(code)) return "authentication";
  if (code !== null && AUTHORIZATION.has(code)) return "authorization";
  return isForStore ? "access" : "management";
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
