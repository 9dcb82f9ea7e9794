/**
 * Items of the sequences in a STOW response (PS3.18, table I.1-1) that the gateway adds.
 */
import type { DicomJsonAttribute, DicomJsonDataset } from "../dicom_json.ts";
import type { InstanceUids } from "./dicom_uids.ts";
import { STOW_TAGS } from "./stow_response.ts";

/** Failure reasons (PS3.18, table I.2-2; "not authorized" is a status of PS3.7, annex C). */
const PROCESSING_FAILURE = 0x0110;
const NOT_AUTHORIZED = 0x0124;
const OUT_OF_RESOURCES = 0xA700;
const CANNOT_UNDERSTAND = 0xC000;

const REASONS_BY_STATUS: ReadonlyMap<number, number> = new Map([
  [400, CANNOT_UNDERSTAND],
  [401, NOT_AUTHORIZED],
  [403, NOT_AUTHORIZED],
  [413, OUT_OF_RESOURCES],
  [429, OUT_OF_RESOURCES],
  [503, OUT_OF_RESOURCES],
  [507, OUT_OF_RESOURCES],
]);

const UID = /^[0-9.]{1,64}$/;

/** Failed Attributes Sequence with an Error Comment, as Azure states reasons. */
const FAILED_ATTRIBUTES = "00741048";
const ERROR_COMMENT = "00000902";

/**
 * An item of Failed SOP Sequence or, if the instance is unknown, Other Failures Sequence.
 *
 * @param status The HTTP status from which the reason derives.
 * @param comment At most 64 characters.
 */
export function failedItem(uids: InstanceUids, status: number, comment: string): DicomJsonDataset {
  const reason = REASONS_BY_STATUS.get(status) ?? PROCESSING_FAILURE;
  const why = { [ERROR_COMMENT]: { vr: "LO", Value: [comment] } };
  return {
    ...(uids.sopInstanceUid !== undefined && reference(uids)),
    [STOW_TAGS.failureReason]: { vr: "US", Value: [reason] },
    [FAILED_ATTRIBUTES]: { vr: "SQ", Value: [why] },
  };
}

/** An item of Referenced SOP Sequence. */
export function storedItem(uids: InstanceUids, storeUrl: string): DicomJsonDataset {
  return { ...reference(uids), [STOW_TAGS.retrieveUrl]: retrieveUrl(uids, storeUrl) };
}

/** The Retrieve URL of an instance, without a value unless all UIDs are known. */
export function retrieveUrl(uids: InstanceUids, storeUrl: string): DicomJsonAttribute {
  const { studyInstanceUid: study, seriesInstanceUid: series, sopInstanceUid: instance } = uids;
  const known = [study, series, instance].filter((uid) => uid !== undefined && UID.test(uid));
  if (known.length < 3) return { vr: "UR" };
  const url = `${storeUrl}/studies/${study}/series/${series}/instances/${instance}`;
  return { vr: "UR", Value: [url] };
}

/** References an instance (PS3.3, table 10-11); unknown attributes are without a value. */
export function reference({ sopClassUid, sopInstanceUid }: InstanceUids): DicomJsonDataset {
  const uid = (value: string | undefined) =>
    value === undefined ? { vr: "UI" } : { vr: "UI", Value: [value] };
  return {
    [STOW_TAGS.sopClassUid]: uid(sopClassUid),
    [STOW_TAGS.sopInstanceUid]: uid(sopInstanceUid),
  };
}
