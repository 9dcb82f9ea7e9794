/**
 * Names the transaction of a request: those of PS3.18 and of vendors. Its name is a metric label
 * and its class a permission, so ambiguous requests, as with invalid identifiers, are `unknown`.
 */
import { isAeTitle, isPartition, isUid } from "./identifiers.ts";
import { hasFormBody, overridesMethod } from "./method_override.ts";
import {
  type Resource,
  type TransactionClass,
  type TransactionName,
  transactions,
} from "./transaction_catalogue.ts";
import { resourceAt } from "./transaction_paths.ts";

/** A classified request. */
export interface Transaction extends Required<Resource> {
  readonly class: TransactionClass;
  /** `/partitions/{name}` if the DICOMweb resources are below it, or empty. */
  readonly prefix: string;
  /** The target's query without its `?`, as in the request line. */
  readonly query: string;
}

interface PathRequest {
  /** `GET` for `HEAD`. */
  readonly method: string;
  /** Segments of the resource's path, decoded. */
  readonly segments: readonly string[];
  readonly isPartitioned: boolean;
  readonly query: string;
}

/** Google's own methods on a study, series or instance, after its colon. */
const GOOGLE: ReadonlyMap<string, readonly [method: string, name: TransactionName]> = new Map([
  ["getStudyMetrics", ["GET", "google-read-storage-info"]],
  ["getSeriesMetrics", ["GET", "google-read-storage-info"]],
  ["getStorageInfo", ["GET", "google-read-storage-info"]],
  ["setBlobStorageSettings", ["POST", "google-change-storage"]],
]);

const OF_UID: ReadonlySet<TransactionName | undefined> = new Set([
  "retrieve-study",
  "retrieve-series",
  "retrieve-instance",
]);

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
  const isPartitioned = segments[1] === "partitions" && isPartition(segments[2]);
  const prefix = isPartitioned ? `/partitions/${segments[2]}` : "";
  const written = segments.slice(isPartitioned ? 3 : 1);
  const request: PathRequest = {
    method: method === "HEAD" ? "GET" : method,
    segments: path.includes("%") ? written.map(decoded) : written,
    isPartitioned,
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

/**
 * Names the transaction of a WebSocket handshake: event reports are opened at the base URL (PS3.18,
 * section 8.10.4) or below `subscribers` (2019a, section 6.9.10); undefined elsewhere.
 */
function webSocketTransaction({ segments }: PathRequest): Resource | undefined {
  const [service, subscriber, more] = segments;
  const isChannel = service === undefined ||
    (service === "subscribers" && isAeTitle(subscriber) && more === undefined);
  return isChannel ? { name: "open-notification-channel" } : undefined;
}

function resourceOf(request: PathRequest): Resource | undefined {
  const { method, segments, query } = request;
  if (method === "OPTIONS") return { name: "retrieve-capabilities" };
  const [, uid, verb] = /^([^:]*):(.*)$/.exec(segments.at(-1) ?? "") ?? [];
  if (segments[0] === "studies" && uid !== undefined && GOOGLE.has(verb!)) {
    const [googleMethod, name] = GOOGLE.get(verb!)!;
    const resource = resourceAt("GET", segments.with(-1, uid));
    return method === googleMethod && OF_UID.has(resource?.name)
      ? { ...resource, name }
      : undefined;
  }
  const resource = resourceAt(method, segments);
  const isUpdate = resource?.name === "create-performed-procedure-step" &&
    /(?:^|&)update(?:=|&|$)/.test(query);
  if (isUpdate) return { name: "update-performed-procedure-step" };
  return resource ?? wadoUriTransaction(request);
}

/**
 * The only transaction of PS3.18's URI Service (chapter 9). Its path is up to the store, but a
 * query must not turn any path into a retrieval: only the base URL and `wado`, as in archives.
 */
function wadoUriTransaction(
  { method, segments, isPartitioned, query }: PathRequest,
): Resource | undefined {
  const [service, more] = segments;
  const isOwnPath = !isPartitioned && more === undefined &&
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

/** Whether a transaction retrieves one instance, one frame, or bulk data of one instance. */
export function isOfOnePart({ name, instance, frames }: Transaction): boolean {
  return name === "retrieve-instance" || name === "retrieve-frames" && frames?.length === 1 ||
    name === "retrieve-bulkdata" && instance !== undefined;
}
