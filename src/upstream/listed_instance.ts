/**
 * Instances and series as a store's searches and metadata name them. A UID becomes part of a path, so
 * whatever is none is refused.
 *
 * @module
 */
import { numberOf, textOf, toDataset } from "../dicomweb/dicom_json.ts";
import { GatewayError } from "../errors/gateway_error.ts";
import type { ListedDataset } from "./json_list_body.ts";

/** One instance. */
export interface ListedInstance {
  readonly series: string;
  readonly instance: string;
}

/** One series. */
export interface ListedSeries {
  readonly uid: string;
  /** NumberOfSeriesRelatedInstances; unknown where the store does not say. */
  readonly count: number | undefined;
}

/** The attributes that are read: UIDs, and what the store counts (PS3.18, tables 10.6.3-3 and -4). */
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
 * Reads an instance.
 *
 * @param result One result of a search, or the metadata of an instance.
 * @param series Its series, where that is known.
 * @throws {GatewayError} NET-009 where it has no UID.
 */
export function instanceOf(result: ListedDataset, series?: string): ListedInstance {
  return {
    series: series ?? requiredUid(result, TAGS.series),
    instance: requiredUid(result, TAGS.instance),
  };
}

/**
 * Reads a series.
 *
 * @throws {GatewayError} NET-009 where it has no UID.
 */
export function seriesOf(result: ListedDataset): ListedSeries {
  return {
    uid: requiredUid(result, TAGS.series),
    count: countOf(result, TAGS.seriesInstances),
  };
}

/** What the store counts; unknown where it does not say. */
export function countOf({ value }: ListedDataset, tag: string): number | undefined {
  return numberOf(toDataset(value) ?? {}, tag);
}

/** The text of an attribute, whether it is a UID or not. */
export function uidOf({ value }: ListedDataset, tag: string): string | undefined {
  return textOf(toDataset(value) ?? {}, tag);
}

function requiredUid(result: ListedDataset, tag: string): string {
  const uid = uidOf(result, tag);
  if (uid !== undefined && UID.test(uid)) return uid;
  throw new GatewayError("NET-009", `Cannot retrieve: the store listed an instance without ${tag}`);
}
