/**
 * Names the transaction that a request to a store asks for: those of PS3.18 and what vendors offer
 * below the same base URL. The name is a metric label, its class what a client may be permitted, so
 * whatever could be read in two ways, such as an identifier that is none, is `unknown`.
 *
 * @module
 */
import { isOperation, isPartition, isQueryTag } from "./identifiers.ts";
import { hasFormBody, overridesMethod } from "./method_override.ts";
import { studyTransaction } from "./study_transaction.ts";
import { wadoUriTransaction } from "./wado_uri_transaction.ts";
import { webSocketTransaction, worklistTransaction } from "./worklist_transaction.ts";

/** What a client may be permitted. */
export type TransactionClass =
  | "query"
  | "retrieve"
  | "store"
  | "delete"
  | "worklist"
  | "vendor"
  | "capabilities"
  | "unknown";

/** All transactions, each with its class. */
export const transactions = {
  "search-studies": "query",
  "search-series": "query",
  "search-instances": "query",
  "retrieve-study": "retrieve",
  "retrieve-series": "retrieve",
  "retrieve-instance": "retrieve",
  "retrieve-frames": "retrieve",
  "retrieve-metadata": "retrieve",
  "retrieve-bulkdata": "retrieve",
  "retrieve-pixeldata": "retrieve",
  "retrieve-rendered": "retrieve",
  "retrieve-rendered-volume": "retrieve",
  "retrieve-thumbnail": "retrieve",
  "wado-uri": "retrieve",
  "store": "store",
  "store-or-replace": "store",
  "request-commitment": "store",
  "check-commitment": "store",
  "delete-study": "delete",
  "delete-series": "delete",
  "delete-instance": "delete",
  "search-non-patient-instances": "query",
  "retrieve-non-patient-instance": "retrieve",
  "store-non-patient-instances": "store",
  "create-workitem": "worklist",
  "search-workitems": "worklist",
  "retrieve-workitem": "worklist",
  "update-workitem": "worklist",
  "change-workitem-state": "worklist",
  "request-workitem-cancellation": "worklist",
  "subscribe-workitem": "worklist",
  "unsubscribe-workitem": "worklist",
  "suspend-subscription": "worklist",
  "open-notification-channel": "worklist",
  "search-scheduled-procedure-steps": "worklist",
  "create-performed-procedure-step": "worklist",
  "update-performed-procedure-step": "worklist",
  "retrieve-performed-procedure-step": "worklist",
  "retrieve-capabilities": "capabilities",
  "azure-read-change-feed": "vendor",
  "azure-read-query-tags": "vendor",
  "azure-change-query-tags": "vendor",
  "azure-read-operation": "vendor",
  "azure-list-partitions": "vendor",
  "azure-export": "vendor",
  "azure-bulk-update": "vendor",
  "google-read-storage-info": "vendor",
  "google-change-storage": "vendor",
  "unknown": "unknown",
} as const satisfies Record<string, TransactionClass>;

/** The name of a transaction. */
export type TransactionName = keyof typeof transactions;

/** What a request asks a store for. */
export interface Transaction {
  readonly name: TransactionName;
  readonly class: TransactionClass;
  /** What the store's DICOMweb resources are below: `/partitions/{name}`, or nothing. */
  readonly prefix: string;
  /** The target's query without its `?`, as it stood in the request line. */
  readonly query: string;
  /** Study Instance UID, where the target names one. */
  readonly study: string | undefined;
  /** Series Instance UID, where the target names one. */
  readonly series: string | undefined;
  /** SOP Instance UID, where the target names one. */
  readonly instance: string | undefined;
  /** Frame numbers, where the target names frames. */
  readonly frames: readonly number[] | undefined;
}

/** A transaction's name and what its target names; the rest is the same for all of one request. */
export interface Resource {
  readonly name: TransactionName;
  readonly study?: string | undefined;
  readonly series?: string | undefined;
  readonly instance?: string | undefined;
  readonly frames?: readonly number[] | undefined;
}

/** A request whose path was taken apart. */
export interface PathRequest {
  /** The method; `GET` for `HEAD`. */
  readonly method: string;
  /** The path's segments, decoded. */
  readonly segments: readonly string[];
  /** Where the resource begins among them. */
  readonly start: number;
  readonly query: string;
}

const UNKNOWN: Resource = { name: "unknown" };

/**
 * Names the transaction of a request. What the query or a form in the body may turn into a request of
 * another method is `unknown`, and so is a WebSocket that is no notification channel.
 *
 * @param method The request's method.
 * @param target Path below the store's base URL and query, as they stood in the request line.
 * @param headers The request's headers; without them it is taken for no WebSocket and no form.
 * @returns The transaction; `unknown` where it is none of those known.
 *
 * @example
 * ```ts
 * import { classify } from "./transaction.ts";
 * import assert from "node:assert/strict";
 *
 * const { name, study, series } = classify("GET", "/studies/1.2/series?Modality=CT");
 * assert.deepEqual([name, study, series], ["search-series", "1.2", undefined]);
 * assert.equal(classify("POST", "/partitions/a/studies").name, "store");
 * assert.equal(classify("GET", "/studies/count").name, "unknown");
 * ```
 */
export function classify(method: string, target: string, headers?: Headers): Transaction {
  const mark = target.indexOf("?");
  const path = mark < 0 ? target : target.slice(0, mark);
  const query = mark < 0 ? "" : target.slice(mark + 1);
  const segments = path.split("/");
  if (segments.length > 1 && segments.at(-1) === "") segments.pop();
  let prefix = "";
  let start = 1;
  if (segments[1] === "partitions" && isPartition(segments[2])) {
    prefix = `/partitions/${segments[2]}`;
    start = 3;
  }
  const request: PathRequest = {
    method: method === "HEAD" ? "GET" : method,
    segments: path.includes("%") ? segments.map(decoded) : segments,
    start,
    query,
  };
  const isSocket = headers !== undefined && isWebSocketHandshake({ method, headers });
  const resource = isSocket ? webSocketTransaction(request) : resourceOf(request);
  const { name, study, series, instance, frames } = resource === undefined
    ? UNKNOWN
    // What the path names is still of interest to the audit trail.
    : isOverridden(request, headers)
    ? { ...resource, ...UNKNOWN }
    : resource;
  return { name, class: transactions[name], prefix, query, study, series, instance, frames };
}

/**
 * Whether a request asks for a WebSocket (RFC 6455, section 4.1).
 *
 * @param request The request.
 * @returns Whether it does.
 */
export function isWebSocketHandshake(
  { method, headers }: Pick<Request, "method" | "headers">,
): boolean {
  return method === "GET" && headers.get("upgrade")?.toLowerCase() === "websocket";
}

/** Whether a store could take the request for one of another method. */
function isOverridden({ method, query }: PathRequest, headers: Headers | undefined): boolean {
  return overridesMethod(query) ||
    (method !== "GET" && headers !== undefined && hasFormBody(headers));
}

function resourceOf(request: PathRequest): Resource | undefined {
  const { method, segments, start } = request;
  if (method === "OPTIONS") return { name: "retrieve-capabilities" };
  const rest = segments.length - start - 1;
  switch (segments[start]) {
    case "studies":
      return studyTransaction(request);
    case "series":
      return rest === 0 && method === "GET" ? { name: "search-series" } : undefined;
    case "instances":
      return rest === 0 && method === "GET" ? { name: "search-instances" } : undefined;
    case "partitions":
      return rest === 0 && method === "GET" ? { name: "azure-list-partitions" } : undefined;
    case "changefeed": {
      const isRead = rest === 0 || (rest === 1 && segments[start + 1] === "latest");
      return isRead && method === "GET" ? { name: "azure-read-change-feed" } : undefined;
    }
    case "extendedquerytags":
      return queryTagTransaction(method, segments.slice(start + 1));
    case "operations":
      return rest === 1 && method === "GET" && isOperation(segments[start + 1])
        ? { name: "azure-read-operation" }
        : undefined;
    case "export":
      return rest === 0 && method === "POST" ? { name: "azure-export" } : undefined;
  }
  return worklistTransaction(request) ?? wadoUriTransaction(request);
}

/** Azure, "Extended query tags": all of them, one, and the errors of one. */
function queryTagTransaction(method: string, rest: readonly string[]): Resource | undefined {
  const [tag, errors] = rest;
  if (rest.length > 2 || (tag !== undefined && !isQueryTag(tag))) return undefined;
  if (method === "GET" && (errors === undefined || errors === "errors")) {
    return { name: "azure-read-query-tags" };
  }
  const isChange = rest.length === 0
    ? method === "POST"
    : rest.length === 1 && (method === "PATCH" || method === "DELETE");
  return isChange ? { name: "azure-change-query-tags" } : undefined;
}

/** What is no UTF-8 stays as it is and so is no name that anything knows. */
function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
