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

/**
 * Names the transaction of a request whose first segment is `studies`; undefined if it is unknown.
 */
export function studyTransaction(request: PathRequest): Resource | undefined {
  const { method, segments, start } = request;
  const last = segments.at(-1)!;
  const colon = last.indexOf(":");
  const verb = last.slice(colon + 1);
  if (colon >= 0 && Object.hasOwn(GOOGLE, verb)) {
    return googleMethod(request, last.slice(0, colon), verb);
  }
  const count = segments.length - start;
  if (count === 1) return collection(method);
  const study = segments[start + 1]!;
  if (count === 2 && study.toLowerCase() === "$bulkupdate") {
    return method === "POST" ? { name: "azure-bulk-update" } : undefined;
  }
  if (!isUid(study)) return undefined;
  if (count === 2) return wholeStudy(method, study);
  const isSeries = segments[start + 2] === "series";
  if (!isSeries) return below(request, start + 2, { study });
  if (count === 3) return method === "GET" ? { name: "search-series", study } : undefined;
  const series = segments[start + 3];
  if (!isUid(series)) return undefined;
  if (count === 4) return whole(method, "series", { study, series });
  if (segments[start + 4] !== "instances" || count === 5) {
    return below(request, start + 4, { study, series });
  }
  const instance = segments[start + 5];
  if (!isUid(instance)) return undefined;
  if (count === 6) return whole(method, "instance", { study, series, instance });
  if (segments[start + 6] !== "frames") {
    return below(request, start + 6, { study, series, instance });
  }
  const list = segments[start + 7];
  if (list === undefined || !FRAMES.test(list) || method !== "GET") return undefined;
  const frames = list.split(",").map(Number);
  if (count === 8) return { name: "retrieve-frames", study, series, instance, frames };
  return below(request, start + 8, { study, series, instance, frames });
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

/** Orthanc's own name for it, below an instance (seen in its DICOMweb plugin 1.7). */
const ORTHANC_BULKDATA = "bulk";

function isOneInstance({ instance, frames }: Named): boolean {
  return instance !== undefined && frames === undefined;
}

function whole(
  method: string,
  level: "study" | "series" | "instance",
  named: Named,
): Resource | undefined {
  if (method === "GET") return { name: `retrieve-${level}`, ...named };
  return method === "DELETE" ? { name: `delete-${level}`, ...named } : undefined;
}

/** Sub-resources of a study, series, instance or frames, beginning at a segment. */
function below({ method, segments }: PathRequest, at: number, named: Named): Resource | undefined {
  if (method !== "GET") return undefined;
  const part = segments[at]!;
  if (part === "bulkdata" || (part === ORTHANC_BULKDATA && isOneInstance(named))) {
    return isBulkdataPath(segments.slice(at + 1))
      ? { name: "retrieve-bulkdata", ...named }
      : undefined;
  }
  if (part === "instances" && named.frames === undefined && named.instance === undefined) {
    return instancesOf(segments, at, named);
  }
  if (segments.length !== at + 1 || !Object.hasOwn(PARTS, part)) return undefined;
  return { name: PARTS[part]!, ...named };
}

/** `/instances` of a study or series; some stores have an instance's bulk data below a study's. */
function instancesOf(segments: readonly string[], at: number, named: Named): Resource | undefined {
  if (segments.length === at + 1) return { name: "search-instances", ...named };
  const instance = segments[at + 1];
  return isUid(instance) && segments[at + 2] === "bulkdata" &&
      isBulkdataPath(segments.slice(at + 3))
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
