/**
 * What a store answers to storing: the Store Instances Response Module (PS3.18, annex I), read from
 * DICOM JSON or XML, whatever the media type says it is, and written as the JSON that clients
 * count on. Items stay as the store gave them, with all that it says about them.
 *
 * @module
 */
import {
  type DicomJsonAttribute,
  type DicomJsonDataset,
  itemsOf,
  sorted,
  toDataset,
} from "../dicom_json.ts";
import { parseMediaType } from "../media_type/media_type.ts";
import { URL_ATTRIBUTES } from "../urls/url_attributes.ts";
import { readNativeDicomModel } from "./native_dicom_model.ts";

/** Tags of the module. */
export const STOW_TAGS = {
  sopClassUid: "00081150",
  sopInstanceUid: "00081155",
  retrieveUrl: "00081190",
  warningReason: "00081196",
  failureReason: "00081197",
  failed: "00081198",
  stored: "00081199",
  otherFailures: "0008119A",
} as const;

/** What a store says about the instances that it was sent. */
export interface StowReport {
  /** Items of Referenced SOP Sequence: the instances that are stored. */
  readonly stored: readonly DicomJsonDataset[];
  /** Items of Failed SOP Sequence. */
  readonly failed: readonly DicomJsonDataset[];
  /** Items of Other Failures Sequence: failures of instances that could not be told. */
  readonly otherFailures: readonly DicomJsonDataset[];
  /** What else it says, its Retrieve URL for instance. */
  readonly rest: DicomJsonDataset;
}

/** The body of an answer to storing. */
export type StowAnswer =
  | { readonly kind: "report"; readonly format: "json" | "xml"; readonly report: StowReport }
  /** There is no body. */
  | { readonly kind: "empty" }
  /** A body that is no report: an error page, for instance. */
  | { readonly kind: "other"; readonly mediaType: string };

/** A report that says nothing. */
export const EMPTY_REPORT: StowReport = { stored: [], failed: [], otherFailures: [], rest: {} };

/** Counts the instances that a report mentions. */
export function countOf({ stored, failed, otherFailures }: StowReport): number {
  return stored.length + failed.length + otherFailures.length;
}

const SEQUENCES: readonly string[] = [
  STOW_TAGS.failed,
  STOW_TAGS.stored,
  STOW_TAGS.otherFailures,
];

/**
 * Reads the body of an answer to storing.
 *
 * @param contentType Its `Content-Type`, which is told of a body that is no report.
 *
 * @example
 * ```ts
 * import { readStowAnswer } from "./stow_response.ts";
 * import assert from "node:assert/strict";
 *
 * const answer = readStowAnswer('{"00081199":{"vr":"SQ","Value":[{}]}}', null);
 * assert.equal(answer.kind === "report" && answer.report.stored.length, 1);
 * assert.deepEqual(readStowAnswer("<html></html>", "text/html"), {
 *   kind: "other",
 *   mediaType: "text/html",
 * });
 * ```
 */
export function readStowAnswer(text: string, contentType: string | null): StowAnswer {
  const start = text.slice(0, 1024).trimStart();
  if (start === "" && text.trim() === "") return { kind: "empty" };
  const format = start.startsWith("<") ? "xml" : "json";
  const datasets = format === "xml" ? [readNativeDicomModel(text)] : readJson(text);
  const report = toReport(datasets);
  if (report !== undefined) return { kind: "report", format, report };
  const mediaType = parseMediaType(contentType ?? "")?.essence ?? "an unknown media type";
  return { kind: "other", mediaType };
}

/**
 * Writes a report as `application/dicom+json`. Sequences without items are left out: Orthanc takes
 * a job for failed where there are failures, and a client may take an empty sequence for some.
 *
 * @param translateUrl Applied to the URLs at any depth, as the rewriter of JSON bodies does.
 *
 * @example
 * ```ts
 * import { EMPTY_REPORT, writeStowReport } from "./stow_response.ts";
 * import assert from "node:assert/strict";
 *
 * assert.equal(writeStowReport({ ...EMPTY_REPORT, stored: [{}] }), '{"00081199":{"vr":"SQ","Value":[{}]}}');
 * ```
 */
export function writeStowReport(
  { stored, failed, otherFailures, rest }: StowReport,
  translateUrl?: (url: string) => string,
): string {
  const sequences = [
    [STOW_TAGS.failed, failed],
    [STOW_TAGS.stored, stored],
    [STOW_TAGS.otherFailures, otherFailures],
  ] as const;
  const filled = sequences.filter(([, items]) => items.length > 0)
    .map(([tag, items]) => [tag, { vr: "SQ", Value: items }] as const);
  const translate = (value: unknown) => typeof value === "string" ? translateUrl!(value) : value;
  const withUrls = (name: string, value: unknown) => {
    if (name === "BulkDataURI") return translate(value);
    const urls = URL_ATTRIBUTES.includes(name) && (value as DicomJsonAttribute | null)?.Value;
    return Array.isArray(urls) ? { ...value as object, Value: urls.map(translate) } : value;
  };
  const dataset = sorted({ ...rest, ...Object.fromEntries(filled) });
  return JSON.stringify(dataset, translateUrl && withUrls);
}

/** A store may put its one dataset into a list, as it does in answers to searches. */
function readJson(text: string): (DicomJsonDataset | undefined)[] {
  try {
    const value: unknown = JSON.parse(text.replace(/^\uFEFF/, ""));
    return Array.isArray(value) ? value.map(toDataset) : [toDataset(value)];
  } catch {
    return [undefined];
  }
}

function toReport(answer: readonly (DicomJsonDataset | undefined)[]): StowReport | undefined {
  const datasets = answer.filter((dataset) => dataset !== undefined);
  if (datasets.length < answer.length) return undefined;
  const items = (tag: string) => datasets.flatMap((dataset) => itemsOf(dataset, tag));
  const others = datasets.flatMap((dataset) => Object.entries(dataset))
    .filter(([tag]) => !SEQUENCES.includes(tag));
  return {
    stored: items(STOW_TAGS.stored),
    failed: items(STOW_TAGS.failed),
    otherFailures: items(STOW_TAGS.otherFailures),
    rest: Object.fromEntries(others),
  };
}
