/**
 * Every known request, one row each with its source.
 */
import assert from "node:assert/strict";
import fc from "fast-check";
import { findTargetFault } from "../../../src/dicomweb/transaction/store_path.ts";
import { classify } from "../../../src/dicomweb/transaction/transaction.ts";
import {
  type TransactionName,
  transactions,
} from "../../../src/dicomweb/transaction/transaction_catalogue.ts";
import { processorMs } from "../../fixtures/processor_time.ts";

const WEB_SOCKET = new Headers({ upgrade: "WebSocket", connection: "Upgrade" });
const SERIES_PATH = "/studies/1.2/series/3.4";
const INSTANCE = `${SERIES_PATH}/instances/5.6`;
const AZURE = "Azure, DICOM Conformance Statement v2";
const GOOGLE = "Cloud Healthcare API reference, v1beta1";

type Row = readonly [
  source: string,
  request: string,
  name: TransactionName,
  named?: readonly [
    study?: string | undefined,
    series?: string | undefined,
    instance?: string | undefined,
    frames?: readonly number[],
  ],
];

const STUDY = ["1.2"] as const;
const SERIES = ["1.2", "3.4"] as const;
const ONE = ["1.2", "3.4", "5.6"] as const;
const framesOf = (...frames: number[]) => [...ONE, frames] as const;

/** The method and target of a request. */
function parsed(request: string): [method: string, target: string] {
  const at = request.indexOf(" ");
  return [request.slice(0, at), request.slice(at + 1)];
}

const rows: readonly Row[] = [
  ["PS3.18 10.6, all studies", "GET /studies?PatientID=CT%2A&limit=10", "search-studies"],
  ["PS3.18 10.6, a slash at the end", "GET /studies/", "search-studies"],
  ["RFC 9110 9.3.2", "HEAD /studies", "search-studies"],
  ["PS3.18 10.6, all series", "GET /series", "search-series"],
  ["PS3.18 10.6, a study's series", "GET /studies/1.2/series?limit=1", "search-series", STUDY],
  ["PS3.18 10.6, all instances", "GET /instances?limit=1", "search-instances"],
  ["PS3.18 10.6, a study's instances", "GET /studies/1.2/instances", "search-instances", STUDY],
  ["PS3.18 10.6, a series' instances", `GET ${SERIES_PATH}/instances`, "search-instances", SERIES],

  ["PS3.18 10.4.1.1.1, study", "GET /studies/1.2", "retrieve-study", STUDY],
  ["PS3.18 10.4.1.1.1, series", `GET ${SERIES_PATH}`, "retrieve-series", SERIES],
  ["PS3.18 10.4.1.1.1, instance", `GET ${INSTANCE}`, "retrieve-instance", ONE],
  [
    "AWS HealthImaging, GetDICOMInstance",
    `GET ${INSTANCE}?imageSetId=459e`,
    "retrieve-instance",
    ONE,
  ],
  ["PS3.18 10.4.1.1.1, frame", `GET ${INSTANCE}/frames/1`, "retrieve-frames", framesOf(1)],
  [
    "PS3.18 10.4.1.1.1, frames",
    `GET ${INSTANCE}/frames/1,3,2`,
    "retrieve-frames",
    framesOf(1, 3, 2),
  ],
  ["PS3.18 2017b 6.5.4, frames", `GET ${INSTANCE}/frames/1%2C2`, "retrieve-frames", framesOf(1, 2)],
  ["PS3.18 10.4.1.1.2, study", "GET /studies/1.2/metadata", "retrieve-metadata", STUDY],
  ["PS3.18 10.4.1.1.2, series", `GET ${SERIES_PATH}/metadata`, "retrieve-metadata", SERIES],
  ["PS3.18 10.4.1.1.2, instance", `GET ${INSTANCE}/metadata`, "retrieve-metadata", ONE],
  ["PS3.18 10.4.1.1.3, study", "GET /studies/1.2/rendered", "retrieve-rendered", STUDY],
  ["PS3.18 10.4.1.1.3, series", `GET ${SERIES_PATH}/rendered`, "retrieve-rendered", SERIES],
  ["PS3.18 10.4.1.1.3, instance", `GET ${INSTANCE}/rendered?quality=90`, "retrieve-rendered", ONE],
  [
    "PS3.18 10.4.1.1.3, frames",
    `GET ${INSTANCE}/frames/2/rendered`,
    "retrieve-rendered",
    framesOf(2),
  ],
  ["PS3.18 10.4.1.1.4, study", "GET /studies/1.2/thumbnail", "retrieve-thumbnail", STUDY],
  ["PS3.18 10.4.1.1.4, series", `GET ${SERIES_PATH}/thumbnail`, "retrieve-thumbnail", SERIES],
  ["PS3.18 10.4.1.1.4, instance", `GET ${INSTANCE}/thumbnail`, "retrieve-thumbnail", ONE],
  [
    "PS3.18 10.4.1.1.4, frames",
    `GET ${INSTANCE}/frames/2/thumbnail`,
    "retrieve-thumbnail",
    framesOf(2),
  ],
  ["PS3.18 10.4.1.1.5, study", "GET /studies/1.2/bulkdata", "retrieve-bulkdata", STUDY],
  ["PS3.18 10.4.1.1.5, series", `GET ${SERIES_PATH}/bulkdata`, "retrieve-bulkdata", SERIES],
  ["PS3.18 10.4.1.1.5, instance", `GET ${INSTANCE}/bulkdata`, "retrieve-bulkdata", ONE],
  [
    "PS3.18 10.4.1.1.5, a Bulkdata URI; Google, retrieveBulkdata",
    `GET ${INSTANCE}/bulkdata/00081110/0/00091010`,
    "retrieve-bulkdata",
    ONE,
  ],
  [
    "PS3.18 10.4.1.1.5: a Bulkdata URI is the store's own",
    "GET /studies/1.2/bulkdata/a:b~c=1",
    "retrieve-bulkdata",
    STUDY,
  ],
  [
    "PS3.18 10.4.1.1.5: a Bulkdata URI is the store's own",
    "GET /studies/1.2/instances/5.6/bulkdata/PixelData",
    "retrieve-bulkdata",
    ["1.2", undefined, "5.6"],
  ],
  [
    "Orthanc 1.10.1, DICOMweb plugin 1.7",
    `GET ${INSTANCE}/bulk/00081110-1/00091010`,
    "retrieve-bulkdata",
    ONE,
  ],
  ["PS3.18 10.4.1.1.6, study", "GET /studies/1.2/pixeldata", "retrieve-pixeldata", STUDY],
  ["PS3.18 10.4.1.1.6, series", `GET ${SERIES_PATH}/pixeldata`, "retrieve-pixeldata", SERIES],
  ["PS3.18 10.4.1.1.6, instance", `GET ${INSTANCE}/pixeldata`, "retrieve-pixeldata", ONE],
  [
    "PS3.18 10.4.1.1.7 and B.33",
    "GET /studies/1.2/renderedmpr?renderingmethod=average_ip",
    "retrieve-rendered-volume",
    STUDY,
  ],
  ["PS3.18 10.4.1.1.8", `GET ${SERIES_PATH}/rendered3d`, "retrieve-rendered-volume", SERIES],
  [
    "PS3.18 9.4",
    "GET ?requestType=WADO&studyUID=1.2&seriesUID=3.4&objectUID=5.6&contentType=application%2Fdicom",
    "wado-uri",
    ONE,
  ],
  [
    "PS3.18 9.1.2: the path is the archive's own; dcm4chee",
    "GET /wado?objectUID=5.6&seriesUID=3.4&requestType=WADO&studyUID=1.2",
    "wado-uri",
    ONE,
  ],

  ["PS3.18 10.5", "POST /studies", "store"],
  ["PS3.18 10.5, with a study", "POST /studies/1.2", "store", STUDY],
  ["Azure, Store; Google, updateInstances", "PUT /studies", "store-or-replace"],
  ["Azure, Store; Google, updateInstances", "PUT /studies/1.2", "store-or-replace", STUDY],
  ["Google, updating one instance", `PUT ${INSTANCE}`, "replace-instance", ONE],
  ["PS3.18 13.4", "POST /commitment-requests/2.25.7", "request-commitment"],
  ["PS3.18 13.5", "GET /commitment-requests/2.25.7", "check-commitment"],

  [`${AZURE}, Delete; Google, deleteStudy`, "DELETE /studies/1.2", "delete-study", STUDY],
  [`${AZURE}, Delete`, `DELETE ${SERIES_PATH}`, "delete-series", SERIES],
  [`${AZURE}, Delete`, `DELETE ${INSTANCE}`, "delete-instance", ONE],
  ["dcm4chee, IocmRS", "POST /studies/1.2/reject/113001%5EDCM", "dcm4chee-reject", STUDY],
  ["dcm4chee, IocmRS", `POST ${SERIES_PATH}/reject/113039%5EDCM`, "dcm4chee-reject", SERIES],
  ["dcm4chee, IocmRS", `POST ${INSTANCE}/reject/113001%5EDCM`, "dcm4chee-reject", ONE],

  ["PS3.18 12.6", "GET /hanging-protocols?limit=1", "search-non-patient-instances"],
  ["PS3.18 12.4", "GET /color-palettes/1.2", "retrieve-non-patient-instance"],
  ["PS3.18 12.4", "GET /inventories/1.2", "retrieve-non-patient-instance"],
  ["PS3.18 12.5", "POST /implant-templates", "store-non-patient-instances"],
  ["PS3.18 12.5", "POST /defined-procedure-protocols/1.2", "store-non-patient-instances"],

  ["PS3.18 11.4", "POST /workitems?1.2.3", "create-workitem"],
  ["PS3.18 11.5", "GET /workitems/1.2.3", "retrieve-workitem"],
  ["PS3.18 11.6", "POST /workitems/1.2.3?2.25.7", "update-workitem"],
  ["PS3.18 11.7", "PUT /workitems/1.2.3/state", "change-workitem-state"],
  ["dcm4chee, UpsRS", "PUT /workitems/1.2.3/state/VIEWER", "change-workitem-state"],
  ["PS3.18 11.8", "POST /workitems/1.2.3/cancelrequest", "request-workitem-cancellation"],
  [
    "dcm4chee, UpsRS",
    "POST /workitems/1.2.3/cancelrequest/VIEWER",
    "request-workitem-cancellation",
  ],
  ["PS3.18 11.9", "GET /workitems?PatientID=1", "search-workitems"],
  [
    "PS3.18 11.10",
    "POST /workitems/1.2.3/subscribers/VIEWER?deletionlock=true",
    "subscribe-workitem",
  ],
  [
    "PS3.18 11.10, worklist",
    "POST /workitems/1.2.840.10008.5.1.4.34.5/subscribers/THE%20VIEWER",
    "subscribe-workitem",
  ],
  ["PS3.18 11.11", "DELETE /workitems/1.2.3/subscribers/VIEWER", "unsubscribe-workitem"],
  [
    "PS3.18 11.12, worklist",
    "POST /workitems/1.2.840.10008.5.1.4.34.5/subscribers/VIEWER/suspend",
    "suspend-subscription",
  ],
  [
    "PS3.18 11.12, filtered worklist",
    "POST /workitems/1.2.840.10008.5.1.4.34.5.1/subscribers/VIEWER/suspend",
    "suspend-subscription",
  ],
  [
    "PS3.18 14.4",
    "GET /modality-scheduled-procedure-steps?limit=5",
    "search-scheduled-procedure-steps",
  ],
  [
    "PS3.18 15.4",
    "POST /modality-performed-procedure-steps/1.2",
    "create-performed-procedure-step",
  ],
  [
    "PS3.18 15.5",
    "POST /modality-performed-procedure-steps/1.2?update",
    "update-performed-procedure-step",
  ],
  [
    "PS3.18 15.6",
    "GET /modality-performed-procedure-steps/1.2",
    "retrieve-performed-procedure-step",
  ],

  ["PS3.18 8.9", "OPTIONS /", "retrieve-capabilities"],
  ["PS3.18 8.9, without a slash", "OPTIONS ", "retrieve-capabilities"],
  ["RFC 9110 9.3.7: of one resource", "OPTIONS /studies/1.2", "retrieve-capabilities"],

  ["Azure, Change feed overview", "GET /changefeed?limit=10", "azure-read-change-feed"],
  ["Azure, Change feed overview", "GET /changefeed/latest", "azure-read-change-feed"],
  ["Azure, Extended query tags", "GET /extendedquerytags", "azure-read-query-tags"],
  ["Azure, Extended query tags", "GET /extendedquerytags/00101010", "azure-read-query-tags"],
  ["Azure, Extended query tags", "GET /extendedquerytags/00101010/errors", "azure-read-query-tags"],
  ["Azure, Extended query tags", "POST /extendedquerytags", "azure-change-query-tags"],
  ["Azure, Extended query tags", "PATCH /extendedquerytags/PatientAge", "azure-change-query-tags"],
  ["Azure, Extended query tags", "DELETE /extendedquerytags/PatientAge", "azure-change-query-tags"],
  ["Azure, Extended query tags", "GET /operations/1323c079a1b6", "azure-read-operation"],
  ["Azure, Data partitions", "GET /partitions", "azure-list-partitions"],
  ["Azure, Export DICOM files", "POST /export", "azure-export"],
  ["Azure, Update DICOM files", "POST /studies/$bulkUpdate", "azure-bulk-update"],
  ["ASP.NET Core routing: case does not matter", "POST /studies/$BULKUPDATE", "azure-bulk-update"],
  ["RFC 3986 2.4: the same, encoded", "POST /studies/%24bulkUpdate", "azure-bulk-update"],
  [GOOGLE, "GET /studies/1.2:getStudyMetrics", "google-read-storage-info", STUDY],
  [GOOGLE, `GET ${SERIES_PATH}:getSeriesMetrics`, "google-read-storage-info", SERIES],
  [GOOGLE, `GET ${INSTANCE}:getStorageInfo`, "google-read-storage-info", ONE],
  ["Google, updateMetadata", "PATCH /studies/1.2/metadata", "google-update-metadata", STUDY],
  ["Google, updateMetadata", `PATCH ${SERIES_PATH}/metadata`, "google-update-metadata", SERIES],
  ["Google, updateMetadata", `PATCH ${INSTANCE}/metadata`, "google-update-metadata", ONE],
  [GOOGLE, "POST /studies/1.2:setBlobStorageSettings", "google-change-storage", STUDY],
  [GOOGLE, "POST /studies/1.2%3AsetBlobStorageSettings", "google-change-storage", STUDY],
];

for (const [source, request, name, named = []] of rows) {
  const [method, target] = parsed(request);
  Deno.test(`classify takes ${request} for ${name} (${source})`, () => {
    const transaction = classify(method, target);
    assert.equal(transaction.name, name);
    assert.equal(transaction.class, transactions[name]);
    const [study, series, instance, frames] = named;
    assert.deepEqual(
      [transaction.study, transaction.series, transaction.instance, transaction.frames],
      [study, series, instance, frames],
    );
    assert.equal(transaction.prefix, "");
    assert.equal(transaction.query, target.split("?")[1] ?? "");
  });
}

Deno.test("The table of transactions has a row for each", () => {
  const named = new Set(rows.map(([, , name]) => name));
  const missing = Object.keys(transactions).filter((name) => !named.has(name as TransactionName));
  // WebSockets are recognized by their headers: see below.
  assert.deepEqual(missing, ["open-notification-channel", "unknown"]);
});

const BELOW_PARTITION: readonly Row[] = [
  ["STOW", "POST /studies", "store"],
  ["WADO", "GET /studies/1.2", "retrieve-study", STUDY],
  ["QIDO", "GET /studies?StudyInstanceUID=2.25.0000", "search-studies"],
  ["Delete", "DELETE /studies/1.2", "delete-study", STUDY],
  ["Export", "POST /export", "azure-export"],
  ["Update", "POST /studies/$bulkUpdate", "azure-bulk-update"],
  ["Worklist", "GET /workitems/1.2", "retrieve-workitem"],
];

for (const [source, request, name, named = []] of BELOW_PARTITION) {
  const [method, target] = parsed(request);
  Deno.test(`classify takes ${name} for the same in a partition (Azure, Data partitions: ${source})`, () => {
    const transaction = classify(method, `/partitions/my.Partition-1_${target}`);
    assert.equal(transaction.name, name);
    assert.equal(transaction.prefix, "/partitions/my.Partition-1_");
    assert.equal(transaction.study, named[0]);
  });
}

Deno.test("classify knows a WebSocket by its headers (PS3.18 8.10.4)", () => {
  assert.equal(classify("GET", "/", WEB_SOCKET).name, "open-notification-channel");
  assert.equal(classify("GET", "", WEB_SOCKET).name, "open-notification-channel");
  assert.equal(
    classify("GET", "/subscribers/VIEWER", WEB_SOCKET).name,
    "open-notification-channel",
  );
  assert.equal(classify("GET", "/").name, "unknown");
  assert.equal(classify("GET", "/subscribers/VIEWER").name, "unknown");
  assert.equal(classify("POST", "/", WEB_SOCKET).name, "unknown");
});

Deno.test("classify knows no WebSocket but the notification channel", () => {
  const targets = [
    ...rows.map(([, request]) => parsed(request)).filter(([method]) => method === "GET")
      .map(([, target]) => target),
    "/subscribers",
    "/subscribers/A/B",
    "/subscribers/..",
    "/subscribers/..;",
    "/subscribers/A;x",
    `/subscribers/${"A".repeat(17)}`,
    "/?_method=DELETE",
  ].filter((target) => !target.startsWith("?"));
  for (const target of targets) {
    assert.equal(classify("GET", target, WEB_SOCKET).name, "unknown", target);
  }
});

Deno.test("classify does not know what an HTML form does: frameworks read a method from its fields", () => {
  for (const type of ["application/x-www-form-urlencoded", "Multipart/Form-Data; boundary=b"]) {
    const headers = new Headers({ "content-type": type });
    for (const [, request, name] of rows) {
      const [method, target] = parsed(request);
      const expected = method === "GET" || method === "HEAD" ? name : "unknown";
      assert.equal(classify(method, target, headers).name, expected, request);
    }
  }
  const dicom = new Headers({ "content-type": 'multipart/related; type="application/dicom"' });
  assert.equal(classify("POST", "/studies", dicom).name, "store");
});

const WADO = "requestType=WADO&studyUID=1.2&seriesUID=3.4&objectUID=5.6";

/** Requests that must not be mistaken for others, since permissions depend on it. */
const UNKNOWN: readonly (readonly [why: string, request: string])[] = [
  ["no resource", "GET "],
  ["no such resource", "GET /patients"],
  ["dcm4chee counts", "GET /studies/count"],
  ["a rejection without a coding scheme", "POST /studies/1.2/reject/113001"],
  ["a rejection with more behind it", "POST /studies/1.2/reject/113001%5EDCM/purge"],
  ["reading a rejection", "GET /studies/1.2/reject/113001%5EDCM"],
  ["a method that nothing has", "PATCH /studies/1.2"],
  ["replacing metadata", "PUT /studies/1.2/metadata"],
  ["replacing a series", `PUT ${SERIES_PATH}`],
  ["case matters", "GET /Studies"],
  ["an operation is no study", "POST /studies/$other"],
  ["reading by the name of an operation", "GET /studies/$bulkUpdate"],
  ["a Google method by the wrong verb", "POST /studies/1.2:getStudyMetrics"],
  ["a Google method that is not known", "POST /studies/1.2:purge"],
  ["a Google method on what has none", "GET /studies/1.2/metadata:getStudyMetrics"],
  ["a Google method on bulk data", "GET /studies/1.2/bulkdata/x:getStudyMetrics"],
  ["a Google method on no UID", "GET /studies/count:getStudyMetrics"],
  ["deleting all studies", "DELETE /studies"],
  ["deleting metadata", "DELETE /studies/1.2/metadata"],
  ["deleting frames", `DELETE ${INSTANCE}/frames/1`],
  ["storing into a series", `POST ${SERIES_PATH}`],
  ["frames without a list", `GET ${INSTANCE}/frames`],
  ["frames that are no numbers", `GET ${INSTANCE}/frames/first`],
  ["frames with a gap", `GET ${INSTANCE}/frames/1,,2`],
  ["instances of frames", `GET ${INSTANCE}/frames/1/instances`],
  ["something below metadata", "GET /studies/1.2/metadata/more"],
  ["an instance outside its series", "GET /studies/1.2/instances/5.6"],
  ["a property that every object has", "GET /studies/1.2/constructor"],
  ["a property that every object has", "GET /studies/1.2:toString"],
  ["a method that every object has", "toString /workitems"],
  ["a UID that is none", "GET /studies/1.2/series/all"],
  ["a UID with a blank", "GET /studies/1.2%20x"],
  ["below all series", "GET /series/3.4"],
  ["no UTF-8", "GET /studies/%ff"],
  ["a partition alone", "GET /partitions/a"],
  ["a partition's name with a blank", "GET /partitions/a%20b/studies"],
  ["a partition in a partition", "GET /partitions/a/partitions/b/studies"],
  ["changing the change feed", "POST /changefeed"],
  ["the change feed's past", "GET /changefeed/first"],
  ["putting query tags", "PUT /extendedquerytags"],
  ["all operations", "GET /operations"],
  ["reading an export", "GET /export"],
  ["WADO with its name in lower case (PS3.18 9.1.2)", "GET /wado?requesttype=WADO"],
  ["WADO as the value of something else", "GET /wado?x=requestType=WADO"],
  ["deleting by WADO", `DELETE /wado?${WADO}`],
  ["WADO without an object", "GET /wado?requestType=WADO&studyUID=1.2&seriesUID=3.4"],
  ["WADO without UIDs", "GET /wado?requestType=WADO"],
  ["WADO of what is no UID", "GET /wado?requestType=WADO&studyUID=1&seriesUID=2&objectUID=.."],
  ["WADO of two objects", `GET /wado?${WADO}&objectUID=7.8`],
  [
    "WADO of two objects, at a store to which case does not matter",
    `GET /wado?${WADO}&objectuid=7.8`,
  ],
  ["WADO and another type of request", `GET /wado?${WADO}&requestType=DELETE`],
  ["WADO with `;` between parameters", `GET /wado?${WADO};objectUID=7.8`],
  ["WADO at a path of the store's own", `GET /admin?${WADO}`],
  ["WADO at Orthanc's servers", `GET /servers?${WADO}`],
  ["WADO at a path in another case", `GET /Workitems?${WADO}`],
  ["WADO below its path", `GET /wado/purge?${WADO}`],
  ["WADO in a partition", `GET /partitions/a?${WADO}`],
  ["WADO at an unknown part of a study", `GET /studies/1.2/reject?${WADO}`],
  ["bulk data and path parameters", "GET /studies/1.2/bulkdata/..;/..;/3.4"],
  ["bulk data and path parameters", "GET /studies/1.2/bulkdata/a;_method=DELETE"],
  ["bulk data and dots", "GET /studies/1.2/bulkdata/.."],
  ["bulk data and encoded dots and slashes", "GET /studies/1.2/bulkdata/%2e%2e%2f3.4"],
  ["bulk data and full-width dots", "GET /studies/1.2/bulkdata/%EF%BC%8E%EF%BC%8E"],
  ["bulk data and a full-width slash", "GET /studies/1.2/bulkdata/a%EF%BC%8Fb"],
  ["bulk data encoded twice", "GET /studies/1.2/bulkdata/%252e%252e"],
  ["bulk data of dots alone", "GET /studies/1.2/bulkdata/..."],
  ["bulk data without end", `GET /studies/1.2/bulkdata${"/1".repeat(33)}`],
  ["bulk data of an endless segment", `GET /studies/1.2/bulkdata/${"a".repeat(129)}`],
  [
    "an instance's bulk data below a study, the same",
    "GET /studies/1.2/instances/5.6/bulkdata/..;",
  ],
  ["Orthanc's bulk data outside an instance", "GET /studies/1.2/bulk/00091010"],
  ["Orthanc's bulk data and path parameters", `GET ${INSTANCE}/bulk/..;/x`],
  ["a query tag and path parameters", "DELETE /extendedquerytags/..;/studies/1.2.3"],
  ["a query tag that is none", "DELETE /extendedquerytags/..;"],
  ["below a query tag", "DELETE /extendedquerytags/00101010/errors"],
  ["below a query tag", "GET /extendedquerytags/00101010/purge"],
  ["deleting all query tags", "DELETE /extendedquerytags"],
  ["an operation that is none", "GET /operations/..;"],
  ["a partition of dots", "GET /partitions/../studies"],
  ["a UID of dots behind a digit", "GET /studies/1.."],
  ["a UID and path parameters", "GET /studies/1.2;_method=DELETE"],
  ["a UID without end", `GET /studies/${"1".repeat(129)}`],
  ["two Google methods", "GET /studies/1.2:getStudyMetrics:purge"],
  ["a workitem's subscriber that is none", "DELETE /workitems/1.2.3/subscribers/..;"],
  ["a requester that is none", "PUT /workitems/1.2.3/state/%EF%BC%8E"],
  ["suspending one workitem", "POST /workitems/1.2.3/subscribers/VIEWER/suspend"],
  ["deleting a workitem", "DELETE /workitems/1.2.3"],
  ["subscribing nobody", "POST /workitems/1.2.3/subscribers"],
  ["more after a state", "PUT /workitems/1.2.3/state/VIEWER/now"],
  ["all procedure steps", "GET /modality-performed-procedure-steps"],
  ["all commitments", "GET /commitment-requests"],
  ["below a hanging protocol", "GET /hanging-protocols/1.2/metadata"],
];

for (const [why, request] of UNKNOWN) {
  Deno.test(`classify does not know ${request} (${why})`, () => {
    const transaction = classify(...parsed(request));
    assert.equal(transaction.name, "unknown");
    assert.equal(transaction.class, "unknown");
    assert.equal(transaction.study, undefined);
  });
}

Deno.test("classify does not know a request whose query may override the method, but its UIDs", () => {
  for (const query of ["_method%00=DELETE", "X-HTTP-Method-Override=DELETE"]) {
    for (const [, request, , named = []] of rows) {
      const [method, target] = parsed(request);
      const overridden = `${target}${target.includes("?") ? "&" : "?"}${query}`;
      const { name, class: kind, study } = classify(method, overridden);
      assert.deepEqual([name, kind, study], ["unknown", "unknown", named[0]], request);
    }
  }
});

Deno.test("classify knows only what a store takes for the same, however it reads the path", () => {
  const pieces =
    `/ . .. ; ;v=1 % %25 %2 %2e %2f %3b %3f %32 %20 %2C %EF%BC%8E %EF%BC%91 %EF%BC%BF %E2%80%8B %C2%AD %41 a _ /1.2 /bulkdata /instances`
      .split(" ");
  let known = 0;
  fc.assert(
    fc.property(
      fc.constantFrom(...rows),
      fc.array(fc.tuple(fc.nat(), fc.constantFrom(...pieces)), { maxLength: 3 }),
      ([, request], insertions) => {
        const [method, target] = parsed(request);
        let [path = "", query = ""] = target.split("?");
        for (const [position, piece] of insertions) {
          const at = position % (path.length + 1);
          path = path.slice(0, at) + piece + path.slice(at);
        }
        if (query !== "") query = `?${query}`;
        if (findTargetFault(path + query) !== undefined) return;
        const { name } = classify(method, path + query);
        if (name === "unknown") return;
        known++;
        for (const reading of readings(path)) {
          assert.equal(classify(method, reading + query).name, name, `${path}: ${reading}`);
        }
      },
    ),
    { numRuns: 50_000 },
  );
  assert.ok(known > 5_000, `only ${known} targets were known: the test would show nothing`);
});

/** A path as servers read it: decoded, compatibility forms folded, without parameters and doubled slashes. */
function readings(path: string): string[] {
  const read = [path];
  for (let round = 0; round < 3; round++) {
    read.push(read.at(-1)!.replace(/(?:%[0-9a-f]{2})+/gi, (run) => decodeURIComponent(run)));
  }
  return read.flatMap((text) => [text, text.normalize("NFKC")])
    .flatMap((text) => [text, text.replaceAll(/;[^/]*/g, "")])
    .flatMap((text) => [text, text.replaceAll(/\p{Cf}/gu, ""), text.replaceAll(/\/+/g, "/")]);
}

/** The most that `MaxTargetLength` can be. */
const LONGEST_TARGET = 60_000;

Deno.test("classify takes time in proportion to the longest targets", async () => {
  const ms = await processorMs(() => {
    for (const part of ["/a", "/%41", "1,", "/studies", ":", "%24"]) {
      const long = part.repeat(LONGEST_TARGET / part.length);
      classify("GET", `/studies/1.2/series/3.4/instances/5.6/frames/${long}`);
      classify("GET", `/studies/${long}`);
    }
  });
  assert.ok(ms < 500, `${ms} ms`);
});
