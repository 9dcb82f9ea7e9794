/**
 * Names the transaction of a request: those of PS3.18 and of vendors. Its name is a metric label
 * and its class a permission, so whatever is ambiguous, such as an invalid identifier, is
 * `unknown`.
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
  transactions,
} from "./transaction_catalogue.ts";
import { webSocketTransaction, worklistTransaction } from "./worklist_transaction.ts";

/** A classified request. */
export interface Transaction extends Required<Resource> {
  readonly class: TransactionClass;
  /** `/partitions/{name}` if the DICOMweb resources are below it, or empty. */
  readonly prefix: string;
  /** The target's query without its `?`, as in the request line. */
  readonly query: string;
}

/** Required in the query, each once (PS3.18, section 9.4 and table 9.1.2-1). */
const REQUIRED = ["requestType", "studyUID", "seriesUID", "objectUID"] as const;

const UNKNOWN: Resource = { name: "unknown" };

/**
 * Names the transaction of a request. It is `unknown` also if the query or a form in the body may
 * override the method, and for a WebSocket that is no notification channel.
 *
 * @param target Path below the store's base URL and query, as in the request line.
 * @param headers Without them the request is neither a WebSocket nor a form.
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
    // The audit trail still records the UIDs in the path.
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

/** Whether a store could treat the request as one of another method. */
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
 * The only transaction of PS3.18's URI Service (chapter 9). Its path is up to the store, but a
 * query must not turn any path into a retrieval: only the base URL itself and `wado`, as archives
 * have it.
 */
function wadoUriTransaction({ method, segments, start, query }: PathRequest): Resource | undefined {
  const [service, more] = segments.slice(start);
  const isOwnPath = start === 1 && more === undefined &&
    (service === undefined || service === "wado");
  if (method !== "GET" || !isOwnPath) return undefined;
  const parameters = [...new URLSearchParams(query)];
  // Names are case-sensitive (section 9.1.2). Stores that ignore case may use either of two names
  // that differ only in it.
  const [type, study, series, instance] = REQUIRED.map((required) => {
    const same = parameters.filter(([name]) => name.toLowerCase() === required.toLowerCase());
    return same.length === 1 && same[0]![0] === required ? same[0]![1] : undefined;
  });
  if (type !== "WADO" || !isUid(study) || !isUid(series) || !isUid(instance)) return undefined;
  return { name: "wado-uri", study, series, instance };
}

/** A segment that is not UTF-8 is unchanged and so matches no known name. */
function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
