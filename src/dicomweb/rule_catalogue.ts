/**
 * What every rule of a profile does, why, and where that is known from: for the configuration,
 * which checks a rule's value by it, and for the documentation.
 *
 * @module
 */
import type { RuleId, Rules } from "./profile.ts";

/** What is to be known of a rule whatever its value is. */
interface Described {
  /** What the gateway does, as a sentence. */
  readonly effect: string;
  /** Why, as one or more sentences. */
  readonly reason: string;
  /** Where that is known from. */
  readonly source: string;
}

/** A rule that is on or off. */
export interface SwitchRule extends Described {
  readonly kind: "switch";
}

/** A rule with a whole number. */
export interface NumberRule extends Described {
  readonly kind: "number";
  readonly least: number;
  readonly most: number;
}

/** A rule with whole numbers of 16 bits. */
export interface NumbersRule extends Described {
  readonly kind: "numbers";
}

/** A rule with media types. */
export interface MediaTypesRule extends Described {
  readonly kind: "mediaTypes";
}

type RuleFor<Value> = Value extends boolean ? SwitchRule
  : Value extends number ? NumberRule
  : Value extends readonly number[] ? NumbersRule
  : MediaTypesRule;

/** Any rule. */
export type Rule = SwitchRule | NumberRule | NumbersRule | MediaTypesRule;

const AZURE = "Azure, DICOM Conformance Statement v2";
const GOOGLE = "Google, Cloud Healthcare API, DICOM conformance statement";
const AWS = "AWS HealthImaging Developer Guide, Using DICOMweb";
const DCM4CHEE = "dcm4che/dcm4chee-arc-light, WadoRS.java";
const ORTHANC = "seen at Orthanc 1.10.1 with its DICOMweb plugin 1.7";
const DROPPED =
  "Where a client's `Accept` names at least one of them, all others are left out, because some " +
  "stores refuse the whole request for one they do not know. Where it names none of them, it goes " +
  "to the store as it is.";

/** All rules. */
export const ruleCatalogue: { readonly [Id in RuleId]: RuleFor<Rules[Id]> } = {
  quoteMediaTypes: {
    kind: "switch",
    effect: 'Writes `type="application/dicom"` in quotes in `Accept` and `Content-Type`.',
    reason:
      "A value with a slash is no token, so it must stand in quotes; viewers leave them out, " +
      "and Azure then refuses the whole header with 406.",
    source: "RFC 9110, section 5.6.6; PS3.18, section 8.7.1; OHIF/Viewers issue 3726, " +
      "microsoft/dicom-server issues 1284 and 3287",
  },
  nameDefaultType: {
    kind: "switch",
    effect: "Where a client accepts anything, asks for the first media type of the store's list " +
      "(`SearchTypes` and so on).",
    reason: "PS3.18 has a store refuse a request without `Accept`; what stores answer to `*/*` " +
      "differs, and is transcoded at some.",
    source: `PS3.18, sections 8.7.5 and 8.7.7; ${AZURE}, Search`,
  },
  oneAcceptedType: {
    kind: "switch",
    effect:
      "Asks for the most wanted media type only; of several, for the first of the store's list.",
    reason: "Orthanc reads a list of media types as one and refuses it with 400.",
    source: ORTHANC,
  },
  weighEveryType: {
    kind: "switch",
    effect: "Gives every media type its weight (`q`), also where that is 1, if any has another.",
    reason: "Azure's server puts a media type without a weight behind all that have one.",
    source: "microsoft/dicom-server, AcceptHeaderHandler.cs and MediaTypeHeaderValueExtensions.cs",
  },
  askStored: {
    kind: "switch",
    effect: "Adds `transfer-syntax=*` for DICOM instances where the client names no transfer " +
      "syntax, and for frames where it accepts anything.",
    reason:
      "Without it these stores transcode to Explicit VR Little Endian, which takes time, and " +
      "fails where they cannot.",
    source: `PS3.18, section 8.7.3; ${AZURE}, Retrieve; ${GOOGLE}, Retrieve; ${AWS}, ` +
      `GetDICOMInstance; ${DCM4CHEE}; ${ORTHANC}`,
  },
  askStoredFrames: {
    kind: "switch",
    effect:
      "Adds `transfer-syntax=*` also where the client names the media type of frames without " +
      "a transfer syntax.",
    reason:
      "By the standard such a client gets uncompressed pixels, and some clients read nothing " +
      "else. Switch it on only for clients that decode what the store has.",
    source: "PS3.18, section 8.7.3.3; OHIF/Viewers issue 4382",
  },
  searchTypes: {
    kind: "mediaTypes",
    effect: "Media types that the store has for the results of a search.",
    reason: DROPPED,
    source: `${AZURE}, Search; ${GOOGLE}, Search transaction; ${AWS}, Searching`,
  },
  storeAnswerTypes: {
    kind: "mediaTypes",
    effect: "Media types that the store has for its answer to storing.",
    reason: DROPPED,
    source: `${AZURE}, Store; ${AWS}, Storing instances with STOW-RS`,
  },
  studyTypes: {
    kind: "mediaTypes",
    effect: "Media types that the store has for the instances of a study or series.",
    reason: DROPPED,
    source: `${AZURE}, Retrieve instances within study or series; ${GOOGLE}, DICOM ` +
      `study/series/instances; ${DCM4CHEE}; ${ORTHANC}`,
  },
  instanceTypes: {
    kind: "mediaTypes",
    effect: "Media types that the store has for one instance.",
    reason: DROPPED,
    source: `${AZURE}, Retrieve an instance; ${GOOGLE}, DICOM instances; ` +
      `GoogleCloudPlatform/healthcare-api-dicomweb-cli issue 22; ${AWS}, GetDICOMInstance; ` +
      `${DCM4CHEE}; ${ORTHANC}`,
  },
  frameTypes: {
    kind: "mediaTypes",
    effect: "Media types that the store has for frames.",
    reason: DROPPED,
    source: `${AZURE}, Retrieve frames; ${GOOGLE}, DICOM frames; ${AWS}, GetDICOMInstanceFrames; ` +
      ORTHANC,
  },
  metadataTypes: {
    kind: "mediaTypes",
    effect: "Media types that the store has for metadata.",
    reason: DROPPED,
    source: `${AZURE}, Retrieve metadata; ${AWS}, GetDICOMInstanceMetadata`,
  },
  bulkdataTypes: {
    kind: "mediaTypes",
    effect: "Media types that the store has for bulk data.",
    reason: DROPPED,
    source: `${AWS}, GetDICOMBulkdata`,
  },
  renderedTypes: {
    kind: "mediaTypes",
    effect: "Media types that the store has for rendered images.",
    reason: DROPPED,
    source: `${AZURE}, Retrieve rendered image; ${ORTHANC}`,
  },
  worklistTypes: {
    kind: "mediaTypes",
    effect: "Media types that the store has for workitems.",
    reason: DROPPED,
    source: `${AZURE}, Worklist Service`,
  },
  rewriteUrls: {
    kind: "switch",
    effect: "Makes the store's URLs in its answers lead through the gateway.",
    reason: "A client that follows them would otherwise go past the gateway, without a credential.",
    source: "PS3.18, sections 10.4 to 10.6 and F.2.6; OHIF/Viewers issues 4256, 3921, 1602, 1665",
  },
  rewritePartHeaders: {
    kind: "switch",
    effect: "Does so in `Content-Location` of the parts of multipart answers, too.",
    reason:
      "A client could follow them past the gateway; none that is known does. It is off where no store " +
      "is known to write them, because every byte of images is then looked at: retrieving takes about " +
      "twice the time, and its length is not known beforehand.",
    source:
      "PS3.18, section 8.6.1.2.2; seen at Orthanc 1.10.1 (none); Azure's and AWS's documents " +
      "name none",
  },
  tellPublicUrl: {
    kind: "switch",
    effect:
      "Tells the store the gateway's URL in `X-Forwarded-Host` and `X-Forwarded-Prefix`, where " +
      "both are `https` or neither is.",
    reason:
      "Azure then writes that URL into its answers by itself. Nothing needs it, because the " +
      "gateway translates the URLs anyhow, and where in the path Azure puts the prefix was not " +
      "verified. The store keeps its own scheme.",
    source: "Azure, Proxy URL support of the DICOM service",
  },
  storeMaxBytes: {
    kind: "number",
    least: 0,
    most: Number.MAX_SAFE_INTEGER,
    effect: "How many bytes one request may store; a larger one is split. 0: any number.",
    reason: "Azure takes 4 GB at most, HealthImaging 1 GB.",
    source: `${AZURE}, Store; ${AWS}, Storing instances with STOW-RS`,
  },
  storeMaxInstances: {
    kind: "number",
    least: 0,
    most: 1_000_000,
    effect: "How many instances one request may store; a larger one is split. 0: any number.",
    reason: "No store here documents such a bound; it makes what has to be sent again after a " +
      "failure smaller.",
    source: "Chosen here",
  },
  storeConcurrency: {
    kind: "number",
    least: 1,
    most: 64,
    effect: "How many requests that one was split into are under way at once.",
    reason: "Several share the time that the store needs to take each in.",
    source: "Chosen here",
  },
  storeAnswerAsJson: {
    kind: "switch",
    effect:
      "Turns the answer to storing into the JSON that PS3.18 demands, true to what the store " +
      "said.",
    reason: "Orthanc counts the stored instances in it and fails the job when they are not there.",
    source: "PS3.18, section 10.5.3 and annex I; Orthanc's DICOMweb client, watched on the wire",
  },
  duplicateReasons: {
    kind: "numbers",
    effect: "Failure reasons that mean “already stored” and count as success.",
    reason:
      "An Orthanc job that is run again fails at Azure, because everything is there already. " +
      "The store tells it by UIDs, not by content: empty the list where another instance under " +
      "the same UID must be noticed.",
    source: `${AZURE}, Store failure reason codes (45070)`,
  },
  retrieveByInstance: {
    kind: "switch",
    effect:
      "Retrieves a study or series by a search and one request for each instance. The answer " +
      "is `multipart/related` with all instances, or the transfer fails; other media types are " +
      "refused with 406. The client's query goes with each request.",
    reason: "HealthImaging retrieves single instances only.",
    source: `${AWS}, Retrieving DICOM data`,
  },
  retrieveConcurrency: {
    kind: "number",
    least: 1,
    most: 64,
    effect: "How many of these requests are under way at once.",
    reason: "More at once are faster, up to the store's own limit.",
    source: "Chosen here",
  },
  requestsPerSecond: {
    kind: "number",
    least: 0,
    most: 10_000,
    effect: "How many of these requests are begun within a second. 0: any number.",
    reason: "HealthImaging answers more than its quota with ThrottlingException.",
    source: "AWS HealthImaging Developer Guide, Endpoints and quotas",
  },
  wrapSingleParts: {
    kind: "switch",
    effect: "Wraps an answer of one part for a client that asked for `multipart/related`.",
    reason: "HealthImaging answers with the instance itself, which fails Orthanc's job.",
    source: `${AWS}, GetDICOMInstance; Orthanc's DICOMweb client, watched on the wire`,
  },
  searchPageSize: {
    kind: "number",
    least: 0,
    most: 1_000_000,
    effect:
      "How many results the store returns in one page at most; where a client asks for more, " +
      "pages are collected until one is empty. 0: a client's search is sent as it is.",
    reason:
      "Azure returns 200 at most and refuses a larger `limit` with 400; HealthImaging returns 1000. A " +
      "page with fewer results than were asked for is not the last one: stores limit pages and say so " +
      "in `Warning: 299`, or hide results after counting them.",
    source: `PS3.18, section 8.3.4.4; ${AZURE}, Supported search parameters; ${AWS}, Searching; ` +
      "dcm4che/dcm4chee-arc-light issue 18",
  },
  searchMaxResults: {
    kind: "number",
    least: 0,
    most: 100_000_000,
    effect:
      "How many results of one search the store lists in all, whatever `offset` is. A client's " +
      "search that ends there carries `Warning: 299`; a retrieval by instance lists the instances " +
      "series by series instead, and by the metadata of a series. 0: any number.",
    reason:
      "What HealthImaging has beyond 10,000 results is to be had by the metadata of a series only.",
    source: `${AWS}, Searching`,
  },
  emptySearchAsList: {
    kind: "switch",
    effect: "Answers a search without results with 200 and `[]` where the store answers 204.",
    reason: "PS3.18 allows 204, but Orthanc takes it for a broken answer.",
    source: "PS3.18, section 10.6.3; Orthanc's DICOMweb client, watched on the wire",
  },
};
