/**
 * Instances and series in the matches of searches and in metadata. Invalid UIDs are rejected, as they
 * become parts of paths.
 */
import { numberOf, textOf, toDataset } from "../dicomweb/dicom_json.ts";
import { GatewayError } from "../errors/gateway_error.ts";
import type { ListedDataset } from "./json_list_body.ts";

/** UIDs of an instance. */
export interface ListedInstance {
  readonly series: string;
  readonly instance: string;
}

export interface ListedSeries {
  readonly uid: string;
  /** NumberOfSeriesRelatedInstances, if the store returns it. */
  readonly count: number | undefined;
}

/** UIDs, and what the store counts (PS3.18, tables 10.6.3-3 and -4). */
export const TAGS = {
  study: "0020000D",
  series: "0020000E",
  instance: "00080018",
  studySeries: "00201206",
  studyInstances: "00201208",
  seriesInstances: "00201209",
} as const;

const UID = /^[0-9.]{1,64}$/;

/**
 * The instance of a match or of metadata.
 *
 * @param series Its series, if known.
 * @throws {GatewayError} NET-009 without valid UIDs.
 */
export function instanceOf(result: ListedDataset, series?: string): ListedInstance {
  return {
    series: series ?? requiredUid(result, TAGS.series),
    instance: requiredUid(result, TAGS.instance),
  };
}

/** @throws {GatewayError} NET-009 without a valid UID. */
export function seriesOf(result: ListedDataset): ListedSeries {
  return {
    uid: requiredUid(result, TAGS.series),
    count: countOf(result, TAGS.seriesInstances),
  };
}

/** A count of the store, if it returns one. */
export function countOf({ value }: ListedDataset, tag: string): number | undefined {
  return numberOf(toDataset(value) ?? {}, tag);
}

/** The text of an attribute, a valid UID or not. */
export function uidOf({ value }: ListedDataset, tag: string): string | undefined {
  return textOf(toDataset(value) ?? {}, tag);
}

function requiredUid(result: ListedDataset, tag: string): string {
  const uid = uidOf(result, tag);
  if (uid !== undefined && UID.test(uid)) return uid;
  throw new GatewayError("NET-009", `Cannot retrieve: the store listed an instance without ${tag}`);
}
