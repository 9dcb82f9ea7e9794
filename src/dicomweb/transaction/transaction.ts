/**
 * Names the transaction that a request to a store asks for: those of PS3.18 and what vendors offer
 * below the same base URL. The name is a metric label, its class what a client may be permitted, so
 * whatever could be read in two ways, such as an identifier that is none, is `unknown`.
 *
 * @module
 */
import { isOperation, isPartition, isQueryTag, isUid } from "./identifiers.ts";
import { hasFormBody, overridesMethod } from "./method_override.ts";
import { studyTransaction } from "./study_transaction.ts";
import {
  type PathRequest,
  type Resource,
  type TransactionClass,
  type TransactionName,
  transactions,
} from "./transaction_catalogue.ts";
import { webSocketTransaction, worklistTransaction } from "./worklist_transaction.ts";

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

/** What the query must name, each once (PS3.18, section 9.4 and table 9.1.2-1). */
const REQUIRED = ["requestType", "studyUID", "seriesUID", "objectUID"] as const;

const UNKNOWN: Resource = { name: "unknown" };

/**
 * Names the transaction of a request. What the query or a form in the body may turn into a request of
 * another method is `unknown`, and so is a WebSocket that is no notification channel.
 *
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

/** Whether a request asks for a WebSocket (RFC 6455, section 4.1). */
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

/**
 * The one transaction of PS3.18's URI Service (chapter 9). Its path is the store's own, but a query must not
 * make a retrieval of any path: only the base URL itself and `wado`, as archives have it.
 */
function wadoUriTransaction(
  { method, segments, start, query }: PathRequest,
): Resource | undefined {
  const [service, more] = segments.slice(start);
  const isOwnPath = start === 1 && more === undefined &&
    (service === undefined || service === "wado");
  if (method !== "GET" || !isOwnPath) return undefined;
  const parameters = [...new URLSearchParams(query)];
  // Names are case-sensitive (section 9.1.2); at a store to which they are not, two that differ only in
  // case are one, and the gateway cannot know which counts.
  const [type, study, series, instance] = REQUIRED.map((required) => {
    const same = parameters.filter(([name]) => name.toLowerCase() === required.toLowerCase());
    return same.length === 1 && same[0]![0] === required ? same[0]![1] : undefined;
  });
  if (type !== "WADO" || !isUid(study) || !isUid(series) || !isUid(instance)) return undefined;
  return { name: "wado-uri", study, series, instance };
}

/** What is no UTF-8 stays as it is and so is no name that anything knows. */
function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
