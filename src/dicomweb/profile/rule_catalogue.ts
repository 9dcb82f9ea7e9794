/**
 * Effect, reason and source of every rule, for the configuration schema and the documentation.
 */
import type { RuleId, Rules } from "./profile.ts";

interface Described {
  /** What the gateway does, as a sentence. */
  readonly effect: string;
  /** One or more sentences. */
  readonly reason: string;
  readonly source: string;
}

type SwitchRule = Described & { readonly kind: "switch" };
type NumberRule = Described & {
  readonly kind: "number";
  readonly least: number;
  readonly most: number;
};
/** A list of whole numbers. */
type NumbersRule = Described & {
  readonly kind: "numbers";
  readonly least: number;
  readonly most: number;
};
type MediaTypesRule = Described & { readonly kind: "mediaTypes" };

export type Rule = SwitchRule | NumberRule | NumbersRule | MediaTypesRule;

type RuleFor<Value> = Value extends boolean ? SwitchRule
  : Value extends number ? NumberRule
  : Value extends readonly number[] ? NumbersRule
  : MediaTypesRule;

const AZURE = "Azure, DICOM Conformance Statement v2";
const GOOGLE = "Google, Cloud Healthcare API, DICOM conformance statement";
const AWS = "AWS HealthImaging Developer Guide, Using DICOMweb";
const DCM4CHEE = "dcm4che/dcm4chee-arc-light, WadoRS.java";
const ORTHANC = "observed in Orthanc 1.10.1 with its DICOMweb plugin 1.7";
const DROPPED =
  "If a client's `Accept` names at least one of them, all others are removed, because some stores reject the whole request for one they do not support. If it names none of them, it is forwarded unchanged.";

const REPORTS =
  "As the others. If a client's `Accept` names none of them, the first is requested, and the gateway converts the response (`StoreAnswerAsJson`): OHIF asks for `application/octet-stream` even here, which these stores reject with 406.";

function mediaTypes(response: string, source: string, reason = DROPPED): MediaTypesRule {
  const effect = `Media types that the store supports for ${response}.`;
  return { kind: "mediaTypes", effect, reason, source };
}

export const ruleCatalogue: { readonly [Id in RuleId]: RuleFor<Rules[Id]> } = {
  quoteMediaTypes: {
    kind: "switch",
    effect: 'Writes `type="application/dicom"` in quotes in `Accept` and `Content-Type`.',
    reason:
      "A value with a slash is not a token, so it must be quoted; viewers omit the quotes, and Azure then rejects the whole header with 406.",
    source: "RFC 9110, section 5.6.6; PS3.18, section 8.7.1; OHIF/Viewers issue 3726, " +
      "microsoft/dicom-server issues 1284 and 3287",
  },
  nameDefaultType: {
    kind: "switch",
    effect:
      "If a client accepts anything, requests the first media type of the store's list (`SearchTypes` and so on).",
    reason:
      "PS3.18 requires stores to reject a request without `Accept`; stores differ in their response to `*/*`, and some transcode.",
    source: `PS3.18, sections 8.7.5 and 8.7.7; ${AZURE}, Search`,
  },
  oneAcceptedType: {
    kind: "switch",
    effect:
      "Requests only the media type with the highest weight; of several, the first in the store's list.",
    reason: "Orthanc reads a list of media types as a single one and rejects it with 400.",
    source: ORTHANC,
  },
  weighEveryType: {
    kind: "switch",
    effect: "Writes the weight (`q`) of every media type, even if it is 1, when any has another.",
    reason: "Azure's server ranks a media type without a weight below all that have one.",
    source: "microsoft/dicom-server, AcceptHeaderHandler.cs and MediaTypeHeaderValueExtensions.cs",
  },
  askStored: {
    kind: "switch",
    effect:
      "Adds `transfer-syntax=*` for DICOM instances if the client names no transfer syntax, and for frames if it accepts parts of any type.",
    reason:
      "By the standard a client that names none receives Explicit VR Little Endian, and some clients support nothing else. Without the rule stores transcode every compressed image that such a client retrieves. At Azure, Google and HealthImaging that costs time before each image and several times the bytes, which Google charges for as network use; if these stores cannot transcode an image, they reject the request (`AskStoredAfter`). Orthanc breaks off the transfer of a study at an image that it cannot decode. Enable the rule if all clients can decode the stored transfer syntaxes, or clients can name `transfer-syntax=*` themselves, as Orthanc does for instances and OHIF for frames.",
    source: `PS3.18, section 8.7.3.4; ${AZURE}, Retrieve; ${GOOGLE}, Retrieve; ${AWS}, ` +
      `GetDICOMInstance; ${DCM4CHEE}; ${ORTHANC}`,
  },
  askStoredAfter: {
    kind: "numbers",
    least: 400,
    most: 599,
    effect:
      "Repeats a request for DICOM instances that names no transfer syntax once with `transfer-syntax=*` if the store rejects it with one of these statuses; likewise for frames, if the client accepts parts of any type (`*/*`, `multipart/related` without `type`). The response then carries `Warning: 299`. An empty list disables the rule.",
    reason:
      "Stores reject what they cannot transcode: with 406 by the standard, Orthanc with 500. The stored form is better than none, and instances name their transfer syntax. A client that requests pixels as `application/octet-stream` gets the error instead, as it could not tell compressed ones.",
    source: `PS3.18, section 8.7.7; ${ORTHANC}`,
  },
  askStoredFrames: {
    kind: "switch",
    effect:
      "Adds `transfer-syntax=*` also if the client names the media type of frames without a transfer syntax.",
    reason:
      "By the standard such a client receives uncompressed pixels, and some clients support nothing else. Enable it only for clients that can decode the stored transfer syntaxes.",
    source: "PS3.18, section 8.7.3.3; OHIF/Viewers issue 4382",
  },
  searchTypes: mediaTypes(
    "the results of a search",
    `${AZURE}, Search; ${GOOGLE}, Search transaction; ${AWS}, Searching; ${ORTHANC}`,
  ),
  storeAnswerTypes: mediaTypes(
    "its response to an upload",
    `${AZURE}, Store; ${AWS}, Storing instances with STOW-RS; OHIF/Viewers issue 3497`,
    REPORTS,
  ),
  studyTypes: mediaTypes(
    "the instances of a study or series",
    `${AZURE}, Retrieve instances within study or series; ${GOOGLE}, DICOM ` +
      `study/series/instances; ${DCM4CHEE}; ${ORTHANC}`,
  ),
  instanceTypes: mediaTypes(
    "one instance",
    `${AZURE}, Retrieve an instance; ${GOOGLE}, DICOM instances; ` +
      `GoogleCloudPlatform/healthcare-api-dicomweb-cli issue 22; ${AWS}, GetDICOMInstance; ` +
      `${DCM4CHEE}; ${ORTHANC}`,
  ),
  frameTypes: mediaTypes(
    "frames",
    `${AZURE}, Retrieve frames; ${GOOGLE}, DICOM frames; ${AWS}, GetDICOMInstanceFrames; ` +
      ORTHANC,
  ),
  metadataTypes: mediaTypes(
    "metadata",
    `${AZURE}, Retrieve metadata; ${AWS}, GetDICOMInstanceMetadata; ${ORTHANC}`,
  ),
  bulkdataTypes: mediaTypes(
    "bulk data",
    `${AWS}, GetDICOMBulkdata; ${ORTHANC}`,
  ),
  renderedTypes: mediaTypes(
    "rendered images",
    `${AZURE}, Retrieve rendered image; ${ORTHANC}`,
  ),
  worklistTypes: mediaTypes(
    "workitems",
    `${AZURE}, Worklist Service`,
  ),
  rewriteUrls: {
    kind: "switch",
    effect: "Rewrites the store's URLs in its responses to the gateway's.",
    reason: "Clients that follow them would otherwise bypass the gateway and lack a credential.",
    source: "PS3.18, sections 10.4 to 10.6 and F.2.6; OHIF/Viewers issues 4256, 3921, 1602, 1665",
  },
  rewriteInternalUrls: {
    kind: "switch",
    effect:
      "Rewrites other URLs, too, if their host is that of `Url` (at any port) or means something in one network only (loopback and private addresses, names without a dot, `.internal`, `.svc.cluster.local`), and their path is that of a study, series, instance or bulk data that was asked for. Of the paths before `/studies`, one must end in the other. Needs `RewriteUrls`.",
    reason:
      "A store behind a proxy that strips a prefix or replaces `Host` does not know its own address. URLs of public hosts are unchanged, because they may be another archive's: add the store's own to `StoreAliases`. Disable it where the store names other archives of the same network.",
    source:
      "OHIF/Viewers issues 1602, 1665, 3921; orthanc-team/orthanc-auth-service pull request 35; " +
      "observed in Orthanc 1.10.1 behind nginx",
  },
  rewritePartHeaders: {
    kind: "switch",
    effect: "Rewrites `Content-Location` in the parts of multipart responses, too.",
    reason:
      "A client could follow them and bypass the gateway; no known client does. It is off where no store is known to send them, because every byte of images must then be scanned: retrieval takes about twice the time, and its length is not known in advance.",
    source:
      "PS3.18, section 8.6.1.2.2; observed in Orthanc 1.10.1 (none); Azure's and AWS's documents " +
      "name none",
  },
  tellPublicUrl: {
    kind: "switch",
    effect:
      "Sends the gateway's URL to the store in `X-Forwarded-Host` and `X-Forwarded-Prefix`, where " +
      "both are `https` or neither is.",
    reason:
      "Azure then uses that URL in its responses. It is not needed, because the gateway rewrites the URLs anyway, and the position of the prefix in Azure's paths was not verified. The store keeps its own scheme.",
    source: "Azure, Proxy URL support of the DICOM service",
  },
  storeMaxBytes: {
    kind: "number",
    least: 0,
    most: Number.MAX_SAFE_INTEGER,
    effect: "Most bytes of one upload; a larger one is split. 0: unlimited.",
    reason: "Azure accepts at most 4 GB, HealthImaging 1 GB.",
    source: `${AZURE}, Store; ${AWS}, Storing instances with STOW-RS`,
  },
  storeMaxInstances: {
    kind: "number",
    least: 0,
    most: 1_000_000,
    effect: "Most instances of one upload; a larger one is split. 0: unlimited.",
    reason: "No store here documents such a limit; it limits what must be resent after a " +
      "failure smaller.",
    source: "Chosen here",
  },
  storeBatchBytes: {
    kind: "number",
    least: 0,
    most: 1024 * 1024 * 1024,
    effect:
      "Sends an upload of several instances as batches, each with `Content-Length`, several at a time (`StoreConcurrency`). A batch ends with the instance with which it reaches so many bytes, and may exceed them by that instance. Batches are held until the store has answered, in memory (`UploadMemoryMebibytes`) and beyond that in encrypted files (`UploadDiskMebibytes`); without room they stream. The client's answer comes when the store has answered for all. Batches are smaller at the beginning, so that all connections are used. 0: uploads stream to the store as they come.",
    reason:
      "The rate of one connection is bound by its window and the round trip. A batch whose connection fails before an answer is sent again where a repetition is harmless.",
    source:
      "Google, Cloud Healthcare API, Best practices for DICOM (20 requests at once); `deno task bench:far`",
  },
  storeConcurrency: {
    kind: "number",
    least: 1,
    most: 64,
    effect: "Concurrency limit for the requests of a split upload, and for those of its batches.",
    reason: "Concurrent requests share the store's processing time per request.",
    source: "Chosen here",
  },
  repeatUploads: {
    kind: "switch",
    effect:
      "Sends a batch (`StoreBatchBytes`) again, with growing delays, if its connection fails before the store has answered, or the store answers 503; four times at most, and only if it was held. A batch that the store answers with 429 is always sent again. Any other answer is final: its failed instances are in the FailedSOPSequence of the client's response (202).",
    reason:
      "Whether the store had stored it is then unknown, so that a repetition must do no harm: Azure reports duplicates (`DuplicateReasons`), Google accepts the same content again, Orthanc replaces or ignores it.",
    source: `${AZURE}, Store failure reason codes (45070); ${GOOGLE}, Store; ${ORTHANC}`,
  },
  searchBeforeRepeat: {
    kind: "switch",
    effect:
      "Before a batch is sent again, searches its series, and sends only the instances that the store does not list.",
    reason: "HealthImaging makes a new version of an image set of what it gets again.",
    source: "AWS HealthImaging Developer Guide, Storing instances with STOW-RS",
  },
  storeAnswerAsJson: {
    kind: "switch",
    effect:
      "Converts the response to an upload into the JSON that PS3.18 requires, or into XML if the client " +
      "prefers that, consistent with what the store said. If the client accepts neither, JSON is requested.",
    reason:
      "Orthanc counts the stored instances in it and fails the job if they are missing. Stores reject the whole upload with 406 if `Accept` names no media type of a report.",
    source: "PS3.18, section 10.5.3 and annex I; Orthanc's DICOMweb client, observed on the wire",
  },
  duplicateReasons: {
    kind: "numbers",
    least: 0,
    most: 65_535,
    effect: "Failure reasons that mean “already stored” and are treated as success.",
    reason:
      "A repeated Orthanc job fails at Azure, because the instances already exist. The store compares UIDs, not content: clear the list if a different instance with the same UID must be detected.",
    source: `${AZURE}, Store failure reason codes (45070)`,
  },
  retrieveByInstance: {
    kind: "switch",
    effect:
      "Retrieves a study or series by a search and one request per instance. The response is `multipart/related` with all instances, or the transfer fails; other media types are rejected with 406. The client's query is sent with each request.",
    reason: "HealthImaging retrieves single instances only.",
    source: `${AWS}, Retrieving DICOM data`,
  },
  retrieveInParallel: {
    kind: "switch",
    effect:
      "Retrieves a study or series of more than two instances as by `RetrieveByInstance`, at most `RetrieveConcurrency` at a time and within `ReadAheadMebibytes` of memory, if the client accepts the result; otherwise as one request.",
    reason:
      "The rate of one connection is bound by its window and the round trip; several requests at a time fill the line.",
    source: "`deno task bench:far`",
  },
  metadataBySeries: {
    kind: "switch",
    effect:
      "Makes the metadata of a study from a search for its series and the metadata of each. The response is `application/dicom+json` with all instances, or the transfer fails; other media types are rejected with 406. The client's query is sent with each request for metadata.",
    reason:
      "HealthImaging has the metadata of series and instances only, and answers 404 to that of a study, which viewers request.",
    source: `${AWS}, GetDICOMSeriesMetadata`,
  },
  retrieveConcurrency: {
    kind: "number",
    least: 1,
    most: 64,
    effect: "Concurrency limit for these requests.",
    reason: "Higher concurrency is faster, up to the store's own limit.",
    source: "Chosen here",
  },
  requestsPerSecond: {
    kind: "number",
    least: 0,
    most: 10_000,
    effect:
      "Rate limit for these requests, per second and transaction: searches, instances and metadata each have their own. 0: unlimited.",
    reason:
      "HealthImaging rejects requests beyond its quota with ThrottlingException. It has a quota for each action, which AWS raises on request.",
    source: "AWS HealthImaging Developer Guide, Endpoints and quotas",
  },
  wrapSingleParts: {
    kind: "switch",
    effect: "Wraps a single-part response for a client that requested `multipart/related`.",
    reason: "HealthImaging returns the instance itself, which fails Orthanc's job.",
    source: `${AWS}, GetDICOMInstance; Orthanc's DICOMweb client, observed on the wire`,
  },
  unwrapSingleParts: {
    kind: "switch",
    effect:
      "Unwraps the only part of a multipart response (one instance, one frame, one value of bulk data) for a client that does not accept `multipart/related`, and requests multipart for it if the store has nothing else.",
    reason:
      "Scripts and browsers request `application/dicom` or `application/octet-stream`, which Orthanc rejects with 400.",
    source: `PS3.18, section 8.7.4; ${ORTHANC}`,
  },
  searchPageSize: {
    kind: "number",
    least: 0,
    most: 1_000_000,
    effect:
      "Largest page that the store returns; if a client requests more, the gateway collects pages until one is empty. 0: searches are forwarded unchanged.",
    reason:
      "Azure returns at most 200 and rejects a larger `limit` with 400; HealthImaging returns 1000. A page with fewer results than requested is not the last one: stores limit pages and announce that in `Warning: 299`, or hide results after counting them.",
    source: `PS3.18, section 8.3.4.4; ${AZURE}, Supported search parameters; ${AWS}, Searching; ` +
      "dcm4che/dcm4chee-arc-light issue 18",
  },
  searchMaxResults: {
    kind: "number",
    least: 0,
    most: 100_000_000,
    effect:
      "Most results of one search that the store lists in total, regardless of `offset`. A search that reaches it carries `Warning: 299`; a retrieval by instance then lists the instances per series, and by the metadata of a series. 0: unlimited.",
    reason: "HealthImaging lists instances beyond 10,000 results only in the metadata of a series.",
    source: `${AWS}, Searching`,
  },
  emptySearchAsList: {
    kind: "switch",
    effect:
      "Returns 200 and `[]` for a search without results, also for workitems, if the store returns 204.",
    reason: "PS3.18 allows 204, but Orthanc treats it as an error.",
    source: "PS3.18, section 10.6.3; Orthanc's DICOMweb client, observed on the wire",
  },
  readAheadConcurrency: {
    kind: "number",
    least: 0,
    most: 64,
    effect:
      "When a client retrieves frames, instances or rendered images of a series one after the other, or the metadata of its series, retrieves the next ones into memory (`ReadAheadMebibytes`), so many at a time. 0: nothing is read ahead.",
    reason:
      "Each request of a viewer waits for a round trip, and a browser opens six connections at most.",
    source: "`deno task bench:far`",
  },
};
