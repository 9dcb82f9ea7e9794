/**
 * What a client's `Accept` and `Content-Type` become for each kind of store, one row
 * a rule with its source.
 */
import assert from "node:assert/strict";
import { normaliseAccept, normaliseContentType } from "../../../src/dicomweb/media_type/accept.ts";
import {
  type ProfileName,
  profiles,
  type Rules,
  withRules,
} from "../../../src/dicomweb/profile/profile.ts";
import { classify } from "../../../src/dicomweb/transaction/transaction.ts";
import { processorMs } from "../../fixtures/processor_time.ts";

const JSON_TYPE = "application/dicom+json";
const XML_TYPE = "application/dicom+xml";
const DICOM = 'multipart/related; type="application/dicom"';
const OCTETS = 'multipart/related; type="application/octet-stream"';
const XML = 'multipart/related; type="application/dicom+xml"';
const ANY_STORED = "; transfer-syntax=*";
const EXPLICIT = "; transfer-syntax=1.2.840.10008.1.2.1";

const INSTANCE = "/studies/1.2/series/3.4/instances/5.6";
const REQUESTS = {
  search: ["GET", "/studies?limit=1"],
  searchSeries: ["GET", "/series"],
  searchInstances: ["GET", "/instances"],
  searchAccept: ["GET", "/studies?accept=application/dicom%2Bjson"],
  searchAcceptLast: ["GET", "/studies?limit=1&accept=application/dicom%2Bxml"],
  searchNoAccept: ["GET", "/studies?noaccept=1"],
  study: ["GET", "/studies/1.2"],
  series: ["GET", "/studies/1.2/series/3.4"],
  instance: ["GET", INSTANCE],
  frames: ["GET", `${INSTANCE}/frames/1`],
  twoFrames: ["GET", `${INSTANCE}/frames/1,2`],
  metadata: ["GET", "/studies/1.2/metadata"],
  bulkdata: ["GET", `${INSTANCE}/bulkdata/b026`],
  rendered: ["GET", `${INSTANCE}/rendered`],
  thumbnail: ["GET", `${INSTANCE}/thumbnail`],
  store: ["POST", "/studies"],
  upsert: ["PUT", "/studies/1.2"],
  workitem: ["GET", "/workitems/1.2"],
  delete: ["DELETE", "/studies/1.2"],
  changeFeed: ["GET", "/changefeed"],
  unknown: ["GET", "/patients"],
} as const;

/** Whose profile, and which request. */
type Target = `${ProfileName} ${keyof typeof REQUESTS}`;

type Row = readonly [
  why: string,
  target: Target | readonly [Target, Partial<Rules>],
  accept: string | null,
  sent: string | null,
];

const STORED = { askStored: true };

/** HealthImaging retrieves single instances, which the gateway wraps. */
function at(name: ProfileName): string {
  return name === "aws" ? "application/dicom" : DICOM;
}

const rows: readonly Row[] = [
  // QuoteMediaTypes: RFC 9110 5.6.6, OHIF/Viewers 3726, dicom-server 1284.
  [
    "OHIF's frames: the value is no token",
    "generic frames",
    "multipart/related; type=application/octet-stream; transfer-syntax=*",
    OCTETS + ANY_STORED,
  ],
  [
    "Google's own samples leave the quotes out",
    "google study",
    "multipart/related; type=application/dicom; transfer-syntax=*",
    DICOM + ANY_STORED,
  ],
  [
    "in a list, the other items as they were, the order too",
    "generic metadata",
    "multipart/related;type=application/dicom+xml ;q=0.5, application/dicom+json;q=0.9",
    `${XML}; q=0.5, application/dicom+json; q=0.9`,
  ],
  [
    "what is no media type goes along with the rest",
    "generic study",
    "nonsense, multipart/related; type=application/dicom",
    `nonsense, ${DICOM}`,
  ],
  [
    "for requests that no list is for",
    "azure unknown",
    "multipart/related;type=a/b",
    'multipart/related; type="a/b"',
  ],
  [
    "switched off",
    ["generic study", { quoteMediaTypes: false }],
    "multipart/related; type=application/dicom",
    "multipart/related; type=application/dicom",
  ],
  ["right as it is, blanks too", "generic study", ` ${DICOM};q=0.5 ,*/*`, ` ${DICOM};q=0.5 ,*/*`],
  ["nothing to quote", "generic search", "*/*;q=0.8", "*/*;q=0.8"],
  ["no header", "generic study", null, null],
  ["a blank header is none", "generic study", "  ", null],

  // Azure, Search, Retrieve metadata, Store, Worklist: application/dicom+json only.
  ["Azure, Search", "azure search", `${JSON_TYPE}, ${XML}`, JSON_TYPE],
  ["Azure, Search", "azure searchSeries", `text/html, ${JSON_TYPE};q=0.9`, JSON_TYPE],
  ["Azure, Search", "azure searchInstances", `${JSON_TYPE}, ${DICOM}`, JSON_TYPE],
  ["Azure, Store", "azure store", `${XML}, ${JSON_TYPE}`, JSON_TYPE],
  ["Azure, Store", "azure upsert", `${XML}, ${JSON_TYPE}`, JSON_TYPE],
  // StoreAnswerTypes: the gateway converts the report (PS3.18 10.5.3; OHIF/Viewers 3497).
  ...(["azure", "aws", "google", "orthanc", "dcm4chee", "generic"] as const).flatMap(
    (name) =>
      [`${OCTETS}${ANY_STORED}`, "application/dicom", "text/html", `${JSON_TYPE};q=0`].map(
        (accept): Row => ["no report in what is accepted", `${name} store`, accept, JSON_TYPE],
      ),
  ),
  ["the gateway writes XML", "azure store", XML_TYPE, JSON_TYPE],
  ["the gateway writes XML", "aws upsert", XML_TYPE, JSON_TYPE],
  ["the store writes XML", "google store", XML_TYPE, XML_TYPE],
  ["the store writes XML", "dcm4chee store", XML_TYPE, XML_TYPE],
  ["any store may", "generic store", `text/html, ${XML_TYPE}`, `text/html, ${XML_TYPE}`],
  ["any store may", "generic store", "*/*;q=0.1", "*/*;q=0.1"],
  ["conversion off", ["azure store", { storeAnswerAsJson: false }], XML_TYPE, XML_TYPE],
  ["conversion off", ["generic store", { storeAnswerAsJson: false }], OCTETS, OCTETS],
  ["Azure, Retrieve metadata", "azure metadata", `${JSON_TYPE}, ${XML}`, JSON_TYPE],
  ["Azure, Worklist", "azure workitem", `${JSON_TYPE}, application/dicom+xml`, JSON_TYPE],
  [
    "dicom-server, AcceptContentFilterAttributeTests",
    "azure search",
    "application/json",
    "application/json",
  ],
  ["the client reads none of them: the store says so", "azure search", XML, XML],
  [
    "the same, normalized all the same",
    "azure search",
    "multipart/related; type=application/dicom+xml",
    XML,
  ],

  // NameDefaultType: PS3.18 8.7.5 and 8.7.7; dicom-server filter tests refuse no header.
  ["PS3.18 8.7.5: a request without Accept is refused", "azure search", null, JSON_TYPE],
  ["PS3.18 8.7.7: the default for any type", "azure search", "*/*", JSON_TYPE],
  ["Orthanc's QIDO", "aws search", "*/*", JSON_TYPE],
  [
    "a browser",
    "azure search",
    "text/html,application/xhtml+xml,application/xml;q=0.9,image/webp,*/*;q=0.8",
    JSON_TYPE,
  ],
  ["any type but one", "google search", `${JSON_TYPE};q=0, */*`, XML],
  ["any type but those there are", "aws search", `${JSON_TYPE};q=0, */*`, `${JSON_TYPE};q=0, */*`],
  ["switched off", ["azure search", { nameDefaultType: false }], "*/*", "*/*"],
  ["switched off", ["azure search", { nameDefaultType: false }], null, null],
  ["not known what the store has", "google metadata", null, null],
  ["not known what the store has", "generic search", "*/*", "*/*"],
  ["nothing is answered", "azure delete", null, null],
  ["no list for it", "azure changeFeed", "*/*", "*/*"],

  // PS3.18 8.7.3.4: a client that names no transfer syntax is entitled to Explicit VR Little Endian.
  ...(["generic", "azure", "google", "aws", "orthanc", "dcm4chee"] as const).flatMap(
    (name): Row[] => [
      ["as the client asked", `${name} study`, DICOM + ANY_STORED, at(name) + ANY_STORED],
      ["the default transfer syntax", `${name} study`, DICOM, at(name)],
      ["the default transfer syntax", `${name} instance`, DICOM, at(name)],
      ["the default transfer syntax", `${name} frames`, OCTETS, OCTETS],
      ["the default of anything", `${name} series`, "*/*", name === "generic" ? "*/*" : at(name)],
    ],
  ),

  // AskStored, off unless configured: Azure, Google, AWS: ELE unless told; dcm4chee WadoRS.java; seen at Orthanc.
  ["Azure, Retrieve instances", ["azure study", STORED], DICOM, DICOM + ANY_STORED],
  ["Azure, Retrieve instances", ["azure series", STORED], DICOM, DICOM + ANY_STORED],
  ["Azure, Retrieve an instance", ["azure instance", STORED], DICOM, DICOM + ANY_STORED],
  [
    "Azure, Retrieve an instance, single part",
    ["azure instance", STORED],
    "application/dicom",
    "application/dicom; transfer-syntax=*",
  ],
  ["Google, study", ["google study", STORED], DICOM, DICOM + ANY_STORED],
  [
    "Google, instances",
    ["google instance", STORED],
    "application/dicom",
    "application/dicom; transfer-syntax=*",
  ],
  [
    "AWS, GetDICOMInstance",
    ["aws instance", STORED],
    "application/dicom",
    "application/dicom; transfer-syntax=*",
  ],
  ["Orthanc", ["orthanc study", STORED], DICOM, DICOM + ANY_STORED],
  ["dcm4chee", ["dcm4chee study", STORED], DICOM, DICOM + ANY_STORED],
  ["dcm4chee: archives too", "dcm4chee series", "application/zip, a/b", "application/zip"],
  ["any other store", "generic study", DICOM, DICOM],
  ["the client asked for one", ["azure study", STORED], DICOM + EXPLICIT, DICOM + EXPLICIT],
  ["the client asked for one", ["google study", STORED], DICOM + EXPLICIT, DICOM + EXPLICIT],
  ["Orthanc's retrieve, as it is", ["azure study", STORED], DICOM + ANY_STORED, DICOM + ANY_STORED],
  ["any type", ["google study", STORED], "*/*", DICOM + ANY_STORED],
  ["no header", ["azure study", STORED], null, DICOM + ANY_STORED],
  [
    "Azure's own default for one",
    ["azure instance", STORED],
    "*/*",
    "application/dicom; transfer-syntax=*",
  ],

  [
    "switched on where it is not known what the store has",
    ["generic study", { askStored: true }],
    `text/html, ${DICOM};q=0.5, multipart/related;type=application/dicom, nonsense`,
    `text/html, ${DICOM}${ANY_STORED}; q=0.5, ${DICOM}${ANY_STORED}, nonsense`,
  ],
  [
    "switched on, but the client asked for one",
    ["generic study", { askStored: true }],
    DICOM + EXPLICIT,
    DICOM + EXPLICIT,
  ],
  ["switched on, for one instance", ["generic instance", { askStored: true }], null, null],
  [
    "switched on for frames where it is not known what the store has",
    ["generic frames", { askStoredFrames: true }],
    `${OCTETS}, ${DICOM}`,
    `${OCTETS}${ANY_STORED}, ${DICOM}`,
  ],

  ["bulk data is no frames", ["generic bulkdata", { askStoredFrames: true }], OCTETS, OCTETS],
  ["bulk data is no frames", ["azure bulkdata", { bulkdataTypes: [OCTETS] }], "*/*", OCTETS],

  [
    "the store does not take it",
    ["google study", { studyTypes: [DICOM + EXPLICIT] }],
    DICOM,
    DICOM,
  ],

  // AskStoredFrames: PS3.18 8.7.3.3, OHIF/Viewers 4382.
  ["uncompressed pixels by the standard", "azure frames", OCTETS, OCTETS],
  ["the client reads anything", ["azure frames", STORED], "*/*", OCTETS + ANY_STORED],
  ["the client reads anything", ["google frames", STORED], null, OCTETS + ANY_STORED],
  ["the default of anything", "azure frames", "*/*", OCTETS],
  ["switched on", ["azure frames", { askStoredFrames: true }], OCTETS, OCTETS + ANY_STORED],
  [
    "an image type says its transfer syntax",
    ["google frames", { askStoredFrames: true }],
    'multipart/related; type="image/jpeg"',
    'multipart/related; type="image/jpeg"',
  ],
  [
    "what is not multipart says none",
    ["azure frames", { askStoredFrames: true }],
    "application/octet-stream",
    "application/octet-stream",
  ],

  ["parts of any type", "aws frames", 'multipart/related; type="*/*"', OCTETS],
  ["parts of any type, and nothing else", "aws frames", "multipart/related, */*;q=0", OCTETS],

  // FrameTypes and other lists.
  [
    "Azure, Retrieve frames: dicomweb-client's list",
    "azure frames",
    'multipart/related; type="image/jpeg"; transfer-syntax=1.2.840.10008.1.2.4.50, ' +
    'multipart/related; type="image/jp2"; transfer-syntax=1.2.840.10008.1.2.4.90, ' + OCTETS +
    EXPLICIT,
    'multipart/related; type="image/jp2"; transfer-syntax=1.2.840.10008.1.2.4.90, ' + OCTETS +
    EXPLICIT,
  ],
  [
    "Azure: a transfer syntax that it cannot give",
    "azure study",
    `${DICOM}; transfer-syntax=1.2.840.10008.1.2.4.50, ${DICOM}${EXPLICIT}`,
    DICOM + EXPLICIT,
  ],
  [
    "Azure: only one that it cannot give",
    "azure study",
    `${DICOM}; transfer-syntax=1.2.840.10008.1.2.4.50`,
    `${DICOM}; transfer-syntax=1.2.840.10008.1.2.4.50`,
  ],
  [
    "Azure: no single part of a study",
    "azure study",
    `application/dicom, ${DICOM}`,
    DICOM,
  ],
  [
    "Google, frames: every type that is known",
    "google frames",
    'multipart/related; type="image/jls", multipart/related; type="image/gif", ' + OCTETS,
    'multipart/related; type="image/jls", ' + OCTETS,
  ],
  [
    "Google, instances: bulk data of an instance (dicomweb-cli 22)",
    "google instance",
    `${OCTETS}, text/html`,
    OCTETS,
  ],
  [
    "Google, Search: XML",
    "google search",
    `${XML};q=0.5, ${JSON_TYPE}`,
    `${JSON_TYPE}, ${XML}; q=0.5`,
  ],
  ["Azure, Retrieve rendered", "azure rendered", "image/webp, image/png", "image/png"],
  ["Azure, Retrieve rendered", "azure rendered", "image/*", "image/jpeg, image/png"],
  [
    "an image element's Accept",
    ["azure rendered", { weighEveryType: false }],
    "image/avif,image/webp,image/png,image/svg+xml,image/*;q=0.8,*/*;q=0.5",
    "image/png, image/jpeg; q=0.8",
  ],
  ["all images but one", "azure rendered", "image/jpeg;q=0, image/*", "image/png"],
  ["Azure has no thumbnails", "azure thumbnail", "image/webp, image/png", "image/webp, image/png"],
  ["AWS, GetDICOMBulkdata", "aws bulkdata", null, "application/octet-stream"],
  [
    "AWS, GetDICOMInstanceFrames",
    "aws frames",
    `${OCTETS}${EXPLICIT}, image/jphc`,
    OCTETS + EXPLICIT,
  ],
  ["AWS, Search", "aws search", `${XML}, ${JSON_TYPE}`, JSON_TYPE],
  ["AWS, Store", "aws store", JSON_TYPE, JSON_TYPE],
  ["a list of the configuration", ["generic search", { searchTypes: ["a/b"] }], "c/d, a/b", "a/b"],
  [
    "a list of the configuration, in capitals",
    ["generic study", { studyTypes: ['Multipart/Related; type="Application/DICOM"'] }],
    `text/html, ${DICOM}`,
    DICOM,
  ],
  [
    "an empty list switches it off",
    ["azure search", { searchTypes: [] }],
    "text/html",
    "text/html",
  ],
  ["media types are written in any case", "azure search", "Application/DICOM+JSON, x/y", JSON_TYPE],
  [
    "further parameters are kept",
    "azure search",
    `${JSON_TYPE};charset=utf-8, x/y`,
    `${JSON_TYPE}; charset=utf-8`,
  ],
  ["multipart without its type is any", "azure study", "multipart/related", DICOM],
  [
    "any type of images",
    "google instance",
    'multipart/related; type="image/*"',
    'multipart/related; type="image/jpeg", multipart/related; type="image/png"',
  ],
  [
    "any multipart but one",
    "google instance",
    'multipart/related; type="image/jpeg";q=0, multipart/related',
    `${DICOM}, ${OCTETS}, multipart/related; type="image/png"`,
  ],
  ["what is no media type is left out", "azure search", `nonsense, ${JSON_TYPE}`, JSON_TYPE],
  ["the same twice", "azure search", `${JSON_TYPE}, ${JSON_TYPE};q=0.5`, JSON_TYPE],

  // WrapSingleParts: AWS, GetDICOMInstance is single part; Orthanc wants multipart.
  [
    "Orthanc's retrieve at HealthImaging",
    "aws instance",
    DICOM + ANY_STORED,
    "application/dicom; transfer-syntax=*",
  ],
  ["bulk data as dicomweb-client asks", "aws bulkdata", OCTETS, "application/octet-stream"],
  [
    "multipart of no type",
    "aws instance",
    "multipart/related",
    "application/dicom",
  ],
  ["nothing can be wrapped as that", "aws instance", OCTETS, OCTETS],
  ["switched off", ["aws instance", { wrapSingleParts: false }], DICOM, DICOM],

  // UnwrapSingleParts: seen at Orthanc, which has multipart only.
  ["a script", "orthanc instance", "application/dicom", DICOM],
  ["its parameters too", "orthanc instance", `application/dicom${ANY_STORED}`, DICOM + ANY_STORED],
  ["a script", "orthanc frames", "application/octet-stream", OCTETS],
  ["a script", "orthanc bulkdata", "application/octet-stream", OCTETS],
  [
    "any image",
    "orthanc frames",
    "image/jp2;q=0.5, image/*;q=0",
    'multipart/related; type="image/jp2"',
  ],
  ["any of a kind", "orthanc instance", "application/*", DICOM],
  [
    "multipart all the same, if it is wanted",
    "orthanc instance",
    `application/dicom;q=0.5, ${DICOM}`,
    DICOM,
  ],
  ["a script", "google frames", "application/octet-stream", OCTETS],
  ["a script", "dcm4chee instance", "application/dicom", DICOM],
  ["the store has it in one part", "azure instance", "application/dicom", "application/dicom"],
  ["a study has many parts", "orthanc study", "application/dicom", "application/dicom"],
  [
    "so have two frames",
    "orthanc twoFrames",
    "application/octet-stream",
    "application/octet-stream",
  ],
  [
    "switched off",
    ["orthanc instance", { unwrapSingleParts: false }],
    "application/dicom",
    "application/dicom",
  ],

  // Lists of Orthanc, which rejects most others with 400.
  ["a browser", "orthanc metadata", "text/html,application/xml;q=0.9,*/*;q=0.8", JSON_TYPE],
  ["any of a kind", "orthanc metadata", "application/*", JSON_TYPE],
  ["no header", "orthanc metadata", null, JSON_TYPE],
  ["XML", "orthanc metadata", XML, XML],
  ["OHIF's list", "orthanc bulkdata", `${JSON_TYPE}, ${OCTETS}${ANY_STORED}`, OCTETS + ANY_STORED],
  ["any type", "orthanc bulkdata", "*/*", OCTETS],
  ["OHIF's list", "orthanc search", `${JSON_TYPE}, ${OCTETS}${ANY_STORED}`, JSON_TYPE],
  ["a browser", "orthanc search", "text/html,application/xml;q=0.9,*/*;q=0.8", JSON_TYPE],
  ["XML", "orthanc search", XML_TYPE, XML_TYPE],

  // RetrieveByInstance: each instance is requested.
  [
    "Orthanc's retrieve of a study at HealthImaging",
    "aws study",
    DICOM + ANY_STORED,
    "application/dicom; transfer-syntax=*",
  ],
  [
    "of a series, without a transfer syntax",
    "aws series",
    DICOM,
    "application/dicom",
  ],
  [
    "whether or not single parts are wrapped",
    ["aws study", { wrapSingleParts: false }],
    DICOM,
    "application/dicom",
  ],
  ["switched off", ["aws study", { retrieveByInstance: false }], DICOM, DICOM],

  // OneAcceptedType: seen at Orthanc.
  [
    "Orthanc reads no lists",
    "orthanc study",
    `application/json, ${DICOM}${ANY_STORED}, ${DICOM}${EXPLICIT}`,
    DICOM + ANY_STORED,
  ],
  [
    "equally wanted: Orthanc cannot encode JPEG 2000",
    "orthanc frames",
    `multipart/related; type="image/jp2", ${OCTETS}`,
    OCTETS,
  ],
  [
    "the most wanted",
    "orthanc rendered",
    "image/webp, image/jpeg;q=0.8, image/png;q=0.9",
    "image/png",
  ],
  [
    "switched off",
    ["orthanc rendered", { oneAcceptedType: false }],
    "image/png, image/jpeg",
    "image/png, image/jpeg",
  ],

  // WeighEveryType: dicom-server, AcceptHeaderHandler.cs.
  [
    "Azure puts those without a weight last",
    "azure instance",
    `application/dicom${ANY_STORED}; q=0.5, ${DICOM}${ANY_STORED}`,
    `${DICOM}${ANY_STORED}; q=1, application/dicom${ANY_STORED}; q=0.5`,
  ],
  ["no weights at all", "azure rendered", "image/png, image/jpeg", "image/png, image/jpeg"],
  [
    "switched off",
    ["azure rendered", { weighEveryType: false }],
    "image/jpeg;q=0.5, image/png",
    "image/png, image/jpeg; q=0.5",
  ],
  [
    "three digits (RFC 9110 12.4.2)",
    "azure search",
    `${JSON_TYPE};q=0.66666, application/json`,
    `application/json; q=1, ${JSON_TYPE}; q=0.667`,
  ],
  [
    "a weight is never made nothing",
    "azure search",
    `${JSON_TYPE};q=0.0001, application/json`,
    `application/json; q=1, ${JSON_TYPE}; q=0.001`,
  ],
  ["a weight above 1", "azure search", `${JSON_TYPE};q=7`, JSON_TYPE],
  [
    "a weight that is none",
    "azure search",
    `${JSON_TYPE};q=much, application/json`,
    "application/json",
  ],

  // PS3.18 8.3.3.1: what the query accepts must stay within what the header does.
  ["a media type in the query", "azure searchAccept", "*/*", "*/*"],
  ["a media type in the query", "azure searchAcceptLast", null, null],
  ["a parameter that ends alike", "azure searchNoAccept", "*/*", JSON_TYPE],
];

for (const [why, target, accept, sent] of rows) {
  const [name, rules] = typeof target === "string" ? [target, {}] : target;
  Deno.test(`normaliseAccept makes ${accept} of ${name} ${JSON.stringify(rules)} ${sent} (${why})`, () => {
    const [profile, request] = name.split(" ") as [ProfileName, keyof typeof REQUESTS];
    const [method, path] = REQUESTS[request];
    const actual = normaliseAccept(
      classify(method, path),
      accept,
      withRules(profiles[profile], rules),
    );
    assert.equal(actual, sent);
  });
}

/** Everything a client may send, for properties that hold for all of it. */
const HEADERS = [
  null,
  "*/*",
  ...rows.map(([, , accept]) => accept).filter((accept) => accept !== null),
];

for (const name of Object.keys(profiles) as ProfileName[]) {
  Deno.test(`normaliseAccept changes nothing when applied again (${name})`, () => {
    for (const [method, target] of Object.values(REQUESTS)) {
      for (const header of HEADERS) {
        const transaction = classify(method, target);
        const once = normaliseAccept(transaction, header, profiles[name]);
        assert.equal(normaliseAccept(transaction, once, profiles[name]), once, `${header}`);
      }
    }
  });

  Deno.test(`normaliseAccept names no type that the client did not accept (${name})`, () => {
    const strict = withRules(profiles[name], {
      wrapSingleParts: false,
      unwrapSingleParts: false,
      retrieveByInstance: false,
      storeAnswerAsJson: false,
    });
    for (const [method, target] of Object.values(REQUESTS)) {
      for (const header of HEADERS) {
        const sent = normaliseAccept(classify(method, target), header, strict);
        if (sent === null || !header?.trim() || header.includes("*/*")) continue;
        const accepted = header.toLowerCase().replaceAll('"', "");
        for (const [, essence] of sent.matchAll(/(?:^|, )([a-z]+\/[a-z0-9+-]+)/g)) {
          const [type] = essence!.split("/");
          assert(
            accepted.includes(essence!) || accepted.includes(`${type}/*`),
            `${header} → ${sent}`,
          );
        }
        for (const [, part] of sent.matchAll(/type="([^"]+)"/g)) {
          const [type] = part!.split("/");
          assert(
            accepted.includes(part!) || accepted.includes(`${type}/*`) ||
              /multipart\/related(?!; ?type)/.test(accepted),
            `${header} → ${sent}`,
          );
        }
      }
    }
  });
}

Deno.test("normaliseAccept takes time in proportion to a hostile header's length", async () => {
  const study = classify("GET", "/studies/1.2");
  const ms = await processorMs(() => {
    for (
      const part of ["=", "/", ",", '"', "a/b;", "a/b,", ";q=", '\\"', "=a", " ", "*/*,", "=/"]
    ) {
      for (const name of ["generic", "azure", "orthanc"] as const) {
        normaliseAccept(study, part.repeat(20_000 / part.length), profiles[name]);
        normaliseContentType(`a/b;x=${part.repeat(20_000 / part.length)}`, profiles[name]);
      }
    }
  });
  assert.ok(ms < 2_000, `${ms} ms`);
});

/** Why, the client's header, the header sent. */
const contentTypes: readonly (readonly [why: string, sent: string | null, expected?: string])[] = [
  [
    "RFC 2387: type is no token",
    "multipart/related; type=application/dicom; boundary=abc",
    'multipart/related; type="application/dicom"; boundary=abc',
  ],
  [
    "RFC 2046 5.1.1: a boundary with characters that no token has",
    "multipart/related; type=application/dicom;boundary=----=_Part_1/2.3:4?",
    'multipart/related; type="application/dicom"; boundary="----=_Part_1/2.3:4?"',
  ],
  [
    "RFC 2046 5.1.1: the boundary stays the same to the letter",
    'multipart/related; type=application/dicom; boundary="A b\'()+_,-./:=?"',
    'multipart/related; type="application/dicom"; boundary="A b\'()+_,-./:=?"',
  ],
  ["Orthanc's STOW", 'multipart/related; type="application/dicom"; boundary=2c6f'],
  ["quoted without need", 'multipart/related; type="application/dicom"; boundary="b1"'],
  ["one instance", "application/dicom"],
  ["JSON for a workitem", "application/dicom+json; charset=utf-8"],
  ["without a boundary it cannot be repaired", 'multipart/related; type="application/dicom"'],
  ["no media type", "=/"],
  ["no header", null],
];

for (const [why, sent, expected = sent] of contentTypes) {
  Deno.test(`normaliseContentType makes ${sent} ${expected} (${why})`, () => {
    for (const profile of Object.values(profiles)) {
      assert.equal(normaliseContentType(sent, profile), expected);
      const off = withRules(profile, { quoteMediaTypes: false });
      assert.equal(normaliseContentType(sent, off), sent);
    }
  });
}
