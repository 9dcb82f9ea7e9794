/**
 * Method and path of each transaction: the services of PS3.18 (chapters 10 to 15), deletion by
 * vendors, and vendors' operations below the same base URL. A path that is not listed, or with an
 * invalid identifier, is unknown.
 */
import { isAeTitle, isBulkdataPath, isOperation, isQueryTag, isUid } from "./identifiers.ts";
import type { Resource, TransactionName } from "./transaction_catalogue.ts";

type Row = readonly [request: string, name: TransactionName];

const STUDY = "/studies/{study}";
const SERIES = `${STUDY}/series/{series}`;
const INSTANCE = `${SERIES}/instances/{instance}`;
const FRAMES = `${INSTANCE}/frames/{frames}`;

const ROWS: readonly Row[] = [
  ["GET /studies", "search-studies"],
  ["GET /series", "search-series"],
  [`GET ${STUDY}/series`, "search-series"],
  ["GET /instances", "search-instances"],
  [`GET ${STUDY}/instances`, "search-instances"],
  [`GET ${SERIES}/instances`, "search-instances"],
  [`GET ${STUDY}`, "retrieve-study"],
  [`GET ${SERIES}`, "retrieve-series"],
  [`GET ${INSTANCE}`, "retrieve-instance"],
  [`GET ${FRAMES}`, "retrieve-frames"],
  // PS3.18, section 10.4.1.1.
  ...[STUDY, SERIES, INSTANCE, FRAMES].flatMap((resource): Row[] => [
    [`GET ${resource}/metadata`, "retrieve-metadata"],
    [`GET ${resource}/rendered`, "retrieve-rendered"],
    [`GET ${resource}/renderedmpr`, "retrieve-rendered-volume"],
    [`GET ${resource}/rendered3d`, "retrieve-rendered-volume"],
    [`GET ${resource}/thumbnail`, "retrieve-thumbnail"],
    [`GET ${resource}/pixeldata`, "retrieve-pixeldata"],
    [`GET ${resource}/bulkdata/**`, "retrieve-bulkdata"],
  ]),
  // Some stores have an instance's bulk data below a study.
  [`GET ${STUDY}/instances/{instance}/bulkdata/**`, "retrieve-bulkdata"],
  // Orthanc's own name (seen in its DICOMweb plugin 1.7).
  [`GET ${INSTANCE}/bulk/**`, "retrieve-bulkdata"],
  ["POST /studies", "store"],
  [`POST ${STUDY}`, "store"],
  // At Azure and Google, `PUT` replaces existing instances; PS3.18 has `POST` only.
  ["PUT /studies", "store-or-replace"],
  [`PUT ${STUDY}`, "store-or-replace"],
  [`PUT ${INSTANCE}`, "replace-instance"],
  // Google, updateMetadata: a JSON Patch of all instances of the resource.
  ...[STUDY, SERIES, INSTANCE].map((resource): Row => [
    `PATCH ${resource}/metadata`,
    "google-update-metadata",
  ]),
  [`DELETE ${STUDY}`, "delete-study"],
  [`DELETE ${SERIES}`, "delete-series"],
  [`DELETE ${INSTANCE}`, "delete-instance"],
  ["POST /studies/{$bulkUpdate}", "azure-bulk-update"],
  // dcm4chee, IocmRS.java: what is rejected is hidden, and may be deleted later.
  ...[STUDY, SERIES, INSTANCE].map((resource): Row => [
    `POST ${resource}/reject/{code}`,
    "dcm4chee-reject",
  ]),
  ["POST /commitment-requests/{uid}", "request-commitment"],
  ["GET /commitment-requests/{uid}", "check-commitment"],
  ["POST /workitems", "create-workitem"],
  ["GET /workitems", "search-workitems"],
  ["GET /workitems/{uid}", "retrieve-workitem"],
  ["POST /workitems/{uid}", "update-workitem"],
  // At dcm4chee the requester's AE title follows.
  ...["", "/{ae}"].flatMap((requester): Row[] => [
    [`PUT /workitems/{uid}/state${requester}`, "change-workitem-state"],
    [`POST /workitems/{uid}/cancelrequest${requester}`, "request-workitem-cancellation"],
  ]),
  ["POST /workitems/{uid}/subscribers/{ae}", "subscribe-workitem"],
  ["DELETE /workitems/{uid}/subscribers/{ae}", "unsubscribe-workitem"],
  ["POST /workitems/{worklist}/subscribers/{ae}/suspend", "suspend-subscription"],
  ["GET /modality-scheduled-procedure-steps", "search-scheduled-procedure-steps"],
  ["GET /modality-performed-procedure-steps/{uid}", "retrieve-performed-procedure-step"],
  ["POST /modality-performed-procedure-steps/{uid}", "create-performed-procedure-step"],
  // Resources of the Non-Patient Instance Service (PS3.18, table 12.1.1-1).
  ...[
    "/color-palettes",
    "/defined-procedure-protocols",
    "/hanging-protocols",
    "/implant-templates",
    "/inventories",
  ].flatMap((resource): Row[] => [
    [`GET ${resource}`, "search-non-patient-instances"],
    [`GET ${resource}/{uid}`, "retrieve-non-patient-instance"],
    [`POST ${resource}`, "store-non-patient-instances"],
    [`POST ${resource}/{uid}`, "store-non-patient-instances"],
  ]),
  ["GET /partitions", "azure-list-partitions"],
  ["GET /changefeed", "azure-read-change-feed"],
  ["GET /changefeed/latest", "azure-read-change-feed"],
  ["GET /extendedquerytags", "azure-read-query-tags"],
  ["GET /extendedquerytags/{tag}", "azure-read-query-tags"],
  ["GET /extendedquerytags/{tag}/errors", "azure-read-query-tags"],
  ["POST /extendedquerytags", "azure-change-query-tags"],
  ["PATCH /extendedquerytags/{tag}", "azure-change-query-tags"],
  ["DELETE /extendedquerytags/{tag}", "azure-change-query-tags"],
  ["GET /operations/{operation}", "azure-read-operation"],
  ["POST /export", "azure-export"],
];

const PLACEHOLDERS: Readonly<Record<string, (segment: string) => boolean>> = {
  "{study}": isUid,
  "{series}": isUid,
  "{instance}": isUid,
  "{uid}": isUid,
  "{frames}": (segment) => /^\d{1,9}(?:,\d{1,9})*$/.test(segment),
  "{ae}": isAeTitle,
  // The two worklists that can be subscribed to (PS3.18, table 11.10.1-1).
  "{worklist}": (segment) => /^1\.2\.840\.10008\.5\.1\.4\.34\.5(?:\.1)?$/.test(segment),
  // Code value and coding scheme of a rejection note, such as `113001^DCM`.
  "{code}": (segment) => /^[\w.-]{1,16}\^[\w.-]{1,16}$/.test(segment),
  "{tag}": isQueryTag,
  "{operation}": isOperation,
  // In any case, as ASP.NET Core's routing.
  "{$bulkUpdate}": (segment) => segment.toLowerCase() === "$bulkupdate",
};

/** By method and first segment. */
const PATHS = Map.groupBy(
  ROWS.map(([request, name]) => {
    const [start, ...pattern] = request.replace(" /", " ").split("/");
    const isOpen = pattern.at(-1) === "**";
    const tests = (isOpen ? pattern.slice(0, -1) : pattern)
      .map((part) => PLACEHOLDERS[part] ?? ((segment: string) => segment === part));
    return { start, pattern, name, isOpen, tests };
  }),
  ({ start }) => start,
);

/**
 * Names the transaction of a request; undefined if it is unknown.
 *
 * @param segments Of the path, decoded.
 */
export function resourceAt(method: string, segments: readonly string[]): Resource | undefined {
  const [first, ...rest] = segments;
  const path = PATHS.get(`${method} ${first}`)?.find(({ isOpen, tests }) =>
    (isOpen ? rest.length >= tests.length : rest.length === tests.length) &&
    tests.every((test, at) => test(rest[at]!)) &&
    (!isOpen || isBulkdataPath(rest.slice(tests.length)))
  );
  if (path === undefined) return undefined;
  const { name, pattern } = path;
  const at = (placeholder: string) => rest[pattern.indexOf(placeholder)];
  return {
    name,
    study: at("{study}"),
    series: at("{series}"),
    instance: at("{instance}"),
    frames: at("{frames}")?.split(",").map(Number),
  };
}
