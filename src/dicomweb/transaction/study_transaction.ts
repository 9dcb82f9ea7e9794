/**
 * Names the transactions below `/studies`: the Studies Service of PS3.18 (chapter 10), deletion by
 * vendors, and vendors' operations on one study, series or instance.
 *
 * @module
 */
import { isBulkdataPath, isUid } from "./identifiers.ts";
import type { PathRequest, Resource, TransactionName } from "./transaction_catalogue.ts";

const FRAMES = /^\d{1,9}(?:,\d{1,9})*$/;

/** Sub-resources of a study, series, instance or frames (PS3.18, section 10.4.1.1). */
const PARTS: Readonly<Record<string, TransactionName>> = {
  metadata: "retrieve-metadata",
  rendered: "retrieve-rendered",
  renderedmpr: "retrieve-rendered-volume",
  rendered3d: "retrieve-rendered-volume",
  thumbnail: "retrieve-thumbnail",
  pixeldata: "retrieve-pixeldata",
};

/** Google's own methods on a resource, after its colon. */
const GOOGLE: Readonly<Record<string, readonly [method: string, name: TransactionName]>> = {
  getStudyMetrics: ["GET", "google-read-storage-info"],
  getSeriesMetrics: ["GET", "google-read-storage-info"],
  getStorageInfo: ["GET", "google-read-storage-info"],
  setBlobStorageSettings: ["POST", "google-change-storage"],
};

const OF_UID: ReadonlySet<TransactionName> = new Set([
  "retrieve-study",
  "retrieve-series",
  "retrieve-instance",
]);

/** Names the transaction of a request below `studies`; undefined if it is unknown. */
export function studyTransaction(request: PathRequest): Resource | undefined {
  const { method, segments, start } = request;
  const last = segments.at(-1)!;
  const colon = last.indexOf(":");
  const verb = last.slice(colon + 1);
  if (colon >= 0 && Object.hasOwn(GOOGLE, verb)) {
    return googleMethod(request, last.slice(0, colon), verb);
  }
  const [, study, ...inStudy] = segments.slice(start);
  if (study === undefined) return collection(method);
  if (study.toLowerCase() === "$bulkupdate") {
    return method === "POST" && inStudy.length === 0 ? { name: "azure-bulk-update" } : undefined;
  }
  if (!isUid(study)) return undefined;
  if (inStudy.length === 0) return wholeStudy(method, study);
  const [level, series, ...inSeries] = inStudy;
  if (level !== "series") return below(method, inStudy, { study });
  if (series === undefined) return method === "GET" ? { name: "search-series", study } : undefined;
  if (!isUid(series)) return undefined;
  if (inSeries.length === 0) return whole(method, "series", { study, series });
  const [sublevel, instance, ...inInstance] = inSeries;
  if (sublevel !== "instances" || instance === undefined) {
    return below(method, inSeries, { study, series });
  }
  if (!isUid(instance)) return undefined;
  const named = { study, series, instance };
  if (inInstance.length === 0) return whole(method, "instance", named);
  const [part, list, ...inFrames] = inInstance;
  if (part !== "frames") return below(method, inInstance, named);
  if (list === undefined || !FRAMES.test(list) || method !== "GET") return undefined;
  const frames = list.split(",").map(Number);
  if (inFrames.length === 0) return { name: "retrieve-frames", ...named, frames };
  return below(method, inFrames, { ...named, frames });
}

function collection(method: string): Resource | undefined {
  if (method === "GET") return { name: "search-studies" };
  return storing(method);
}

function wholeStudy(method: string, study: string): Resource | undefined {
  const stored = storing(method);
  return stored === undefined ? whole(method, "study", { study }) : { ...stored, study };
}

/** At Azure and Google, `PUT` replaces existing instances; PS3.18 has `POST` only. */
function storing(method: string): Resource | undefined {
  if (method === "POST") return { name: "store" };
  return method === "PUT" ? { name: "store-or-replace" } : undefined;
}

type Named = Omit<Resource, "name">;

function whole(
  method: string,
  level: "study" | "series" | "instance",
  named: Named,
): Resource | undefined {
  if (method === "GET") return { name: `retrieve-${level}`, ...named };
  return method === "DELETE" ? { name: `delete-${level}`, ...named } : undefined;
}

/** Sub-resources of a study, series, instance or frames. */
function below(method: string, segments: readonly string[], named: Named): Resource | undefined {
  if (method !== "GET") return undefined;
  const [part, ...rest] = segments;
  const isInstance = named.instance !== undefined;
  // Orthanc's own name of an instance's bulk data is `bulk` (seen in its DICOMweb plugin 1.7).
  if (part === "bulkdata" || part === "bulk" && isInstance && named.frames === undefined) {
    return isBulkdataPath(rest) ? { name: "retrieve-bulkdata", ...named } : undefined;
  }
  if (part === "instances" && !isInstance) return instancesOf(rest, named);
  if (rest.length > 0 || !Object.hasOwn(PARTS, part!)) return undefined;
  return { name: PARTS[part!]!, ...named };
}

/** `/instances` of a study or series; some stores have an instance's bulk data below a study's. */
function instancesOf(segments: readonly string[], named: Named): Resource | undefined {
  const [instance, part, ...rest] = segments;
  if (instance === undefined) return { name: "search-instances", ...named };
  return isUid(instance) && part === "bulkdata" && isBulkdataPath(rest)
    ? { name: "retrieve-bulkdata", ...named, instance }
    : undefined;
}

function googleMethod(request: PathRequest, uid: string, verb: string): Resource | undefined {
  const [method, name] = GOOGLE[verb]!;
  if (request.method !== method) return undefined;
  const segments = request.segments.with(-1, uid);
  const resource = studyTransaction({ ...request, method: "GET", segments });
  return resource !== undefined && OF_UID.has(resource.name) ? { ...resource, name } : undefined;
}
