/**
 * Profiles: differences between stores and what clients expect, as rules that can be set one by
 * one. `rule_catalogue.ts` describes each rule.
 */

export const PROFILE_NAMES = ["generic", "azure", "google", "aws", "orthanc", "dcm4chee"] as const;

export type ProfileName = typeof PROFILE_NAMES[number];

const JSON_TYPE = "application/dicom+json";
const MULTIPART_DICOM = multipart("application/dicom");
const MULTIPART_OCTETS = multipart("application/octet-stream");
const STORED = "; transfer-syntax=*";
const EXPLICIT = "; transfer-syntax=1.2.840.10008.1.2.1";
const JPEG_2000 = "; transfer-syntax=1.2.840.10008.1.2.4.90";

const NO_TYPES: readonly string[] = [];
const NO_REASONS: readonly number[] = [];

const GENERIC = {
  quoteMediaTypes: true,
  nameDefaultType: false,
  oneAcceptedType: false,
  weighEveryType: false,
  askStored: false,
  askStoredAfter: [406] as readonly number[],
  askStoredFrames: false,
  searchTypes: NO_TYPES,
  storeAnswerTypes: NO_TYPES,
  studyTypes: NO_TYPES,
  instanceTypes: NO_TYPES,
  frameTypes: NO_TYPES,
  metadataTypes: NO_TYPES,
  bulkdataTypes: NO_TYPES,
  renderedTypes: NO_TYPES,
  worklistTypes: NO_TYPES,
  rewriteUrls: true,
  rewriteInternalUrls: true,
  rewritePartHeaders: false,
  tellPublicUrl: false,
  storeMaxBytes: 0,
  storeMaxInstances: 0,
  storeBatchBytes: 0,
  storeConcurrency: 4,
  repeatUploads: false,
  searchBeforeRepeat: false,
  storeAnswerAsJson: true,
  duplicateReasons: NO_REASONS,
  retrieveByInstance: false,
  retrieveInParallel: false,
  metadataBySeries: false,
  retrieveConcurrency: 8,
  requestsPerSecond: 0,
  wrapSingleParts: true,
  unwrapSingleParts: true,
  searchPageSize: 0,
  searchMaxResults: 0,
  emptySearchAsList: true,
  readAheadConcurrency: 0,
};

/** Values of all rules. 0 means unlimited; an empty list disables its rule. */
export type Rules = Readonly<typeof GENERIC>;

export type RuleId = keyof Rules;

export const DISTANCES = ["near", "far"] as const;

/** Whether a round trip to the store costs little, or as much as sending many bytes. */
export type Distance = typeof DISTANCES[number];

export interface Profile {
  readonly name: ProfileName;
  readonly distance: Distance;
  readonly rules: Rules;
}

/** The rules of a profile that `far` replaces. */
export const farRules: Readonly<Partial<Rules>> = Object.freeze({
  storeBatchBytes: 16 * 1024 * 1024,
  storeConcurrency: 8,
  retrieveInParallel: true,
  retrieveConcurrency: 16,
  readAheadConcurrency: 16,
});

/** The clouds are at the end of a long line. */
export function distanceOf(name: ProfileName): Distance {
  return name === "azure" || name === "google" || name === "aws" ? "far" : "near";
}

/** @param base A near profile. */
export function atDistance(base: Profile, distance: Distance): Profile {
  if (distance === base.distance) return base;
  return profile(base.name, { ...base.rules, ...farRules }, distance);
}

const AZURE: Partial<Rules> = {
  nameDefaultType: true,
  weighEveryType: true,
  searchTypes: [JSON_TYPE, "application/json"],
  storeAnswerTypes: [JSON_TYPE, "application/json"],
  studyTypes: [MULTIPART_DICOM + STORED, MULTIPART_DICOM + EXPLICIT, MULTIPART_DICOM + JPEG_2000],
  instanceTypes: ["application/dicom", MULTIPART_DICOM].flatMap(
    (type) => [type + STORED, type + EXPLICIT, type + JPEG_2000],
  ),
  frameTypes: [
    MULTIPART_OCTETS + STORED,
    MULTIPART_OCTETS + EXPLICIT,
    multipart("image/jp2") + JPEG_2000,
    `application/octet-stream${STORED}`,
  ],
  metadataTypes: [JSON_TYPE, "application/json"],
  renderedTypes: ["image/jpeg", "image/png"],
  worklistTypes: [JSON_TYPE, "application/json"],
  storeMaxBytes: 4_000_000_000,
  repeatUploads: true,
  duplicateReasons: [45070],
  searchPageSize: 200,
};

const GOOGLE: Partial<Rules> = {
  nameDefaultType: true,
  repeatUploads: true,
  searchTypes: [JSON_TYPE, multipart("application/dicom+xml")],
  storeAnswerTypes: [JSON_TYPE, "application/dicom+xml"],
  studyTypes: [MULTIPART_DICOM],
  instanceTypes: [
    MULTIPART_DICOM,
    "application/dicom",
    MULTIPART_OCTETS,
    ...["jpeg", "png"].map(multipartImage),
  ],
  frameTypes: [
    MULTIPART_OCTETS,
    ...["jpeg", "png", "jls", "jp2", "jphc", "jxl", "dicom-rle"].map(multipartImage),
    multipart("application/x-deflate"),
  ],
};

const AWS: Partial<Rules> = {
  nameDefaultType: true,
  searchTypes: [JSON_TYPE],
  storeAnswerTypes: [JSON_TYPE],
  instanceTypes: ["application/dicom"],
  frameTypes: [MULTIPART_OCTETS],
  metadataTypes: [JSON_TYPE],
  bulkdataTypes: ["application/octet-stream"],
  storeMaxBytes: 1_000_000_000,
  repeatUploads: true,
  searchBeforeRepeat: true,
  retrieveByInstance: true,
  metadataBySeries: true,
  requestsPerSecond: 50,
  searchPageSize: 1000,
  searchMaxResults: 10_000,
};

const ORTHANC: Partial<Rules> = {
  nameDefaultType: true,
  oneAcceptedType: true,
  repeatUploads: true,
  askStoredAfter: [406, 500],
  searchTypes: [JSON_TYPE, "application/json", "application/dicom+xml"],
  studyTypes: [MULTIPART_DICOM],
  instanceTypes: [MULTIPART_DICOM],
  frameTypes: [
    MULTIPART_OCTETS,
    ...["jpeg", "jp2", "jls", "dicom-rle"].map(multipartImage),
  ],
  metadataTypes: [JSON_TYPE, "application/json", multipart("application/dicom+xml")],
  bulkdataTypes: [MULTIPART_OCTETS],
  renderedTypes: ["image/jpeg", "image/png"],
};

const DCM4CHEE: Partial<Rules> = {
  nameDefaultType: true,
  studyTypes: [MULTIPART_DICOM, MULTIPART_OCTETS, "application/zip"],
  instanceTypes: [MULTIPART_DICOM, MULTIPART_OCTETS, "application/zip"],
};

export const profiles: Readonly<Record<ProfileName, Profile>> = {
  generic: profile("generic", {}),
  azure: profile("azure", AZURE),
  google: profile("google", GOOGLE),
  aws: profile("aws", AWS),
  orthanc: profile("orthanc", ORTHANC),
  dcm4chee: profile("dcm4chee", DCM4CHEE),
};

/** A profile of the same name with other values of some rules. */
export function withRules(base: Profile, overrides: Partial<Rules>): Profile {
  return profile(base.name, { ...base.rules, ...overrides }, base.distance);
}

const HEALTH_IMAGING = /^dicom-medical-imaging(?:-fips)?\.[a-z0-9-]+\.amazonaws\.com$/;

/** Selects the profile by the lower-case host in a store's URL; `generic` if it is no cloud's. */
export function profileNameOf(hostname: string): ProfileName {
  if (hostname.endsWith(".dicom.azurehealthcareapis.com")) return "azure";
  if (hostname === "healthcare.googleapis.com") return "google";
  return HEALTH_IMAGING.test(hostname) ? "aws" : "generic";
}

function multipart(type: string): string {
  return `multipart/related; type="${type}"`;
}

function multipartImage(subtype: string): string {
  return multipart(`image/${subtype}`);
}

function profile(name: ProfileName, rules: Partial<Rules>, distance: Distance = "near"): Profile {
  const all = { ...GENERIC, ...rules };
  for (const value of Object.values(all)) Object.freeze(value);
  return Object.freeze({ name, distance, rules: Object.freeze(all) });
}
