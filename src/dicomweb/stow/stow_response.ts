/**
 * The Store Instances Response Module (PS3.18, annex I): read from DICOM JSON or XML regardless of
 * the media type, written as the JSON that clients expect. Items keep all that the store reports.
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

export interface StowReport {
  /** Items of Referenced SOP Sequence. */
  readonly stored: readonly DicomJsonDataset[];
  /** Items of Failed SOP Sequence. */
  readonly failed: readonly DicomJsonDataset[];
  /** Items of Other Failures Sequence: failures of unknown instances. */
  readonly otherFailures: readonly DicomJsonDataset[];
  /** All other attributes, such as Retrieve URL. */
  readonly rest: DicomJsonDataset;
}

/** The body of a STOW response. */
export type StowAnswer =
  | { readonly kind: "report"; readonly format: "json" | "xml"; readonly report: StowReport }
  | { readonly kind: "empty" }
  /** Not a report, such as an error page. */
  | { readonly kind: "other"; readonly mediaType: string };

export const EMPTY_REPORT: StowReport = { stored: [], failed: [], otherFailures: [], rest: {} };

/** Counts the items of a report. */
export function countOf({ stored, failed, otherFailures }: StowReport): number {
  return stored.length + failed.length + otherFailures.length;
}

const SEQUENCES = ["failed", "stored", "otherFailures"] as const;

/** @param contentType Its `Content-Type`, reported if the body is no report. */
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
 * Writes a report as `application/dicom+json`, without empty sequences: Orthanc fails a job with
 * failures, and a client may treat an empty sequence as some.
 *
 * @param translateUrl Applied to the URLs at any depth, as the rewriter of JSON bodies does.
 */
export function writeStowReport(
  report: StowReport,
  translateUrl?: (url: string) => string,
): string {
  const filled = SEQUENCES.filter((name) => report[name].length > 0)
    .map((name) => [STOW_TAGS[name], { vr: "SQ", Value: report[name] }] as const);
  const translate = (value: unknown) => typeof value === "string" ? translateUrl!(value) : value;
  const withUrls = (name: string, value: unknown) => {
    if (name === "BulkDataURI") return translate(value);
    const urls = URL_ATTRIBUTES.includes(name) && (value as DicomJsonAttribute | null)?.Value;
    return Array.isArray(urls) ? { ...value as object, Value: urls.map(translate) } : value;
  };
  const dataset = sorted({ ...report.rest, ...Object.fromEntries(filled) });
  return JSON.stringify(dataset, translateUrl && withUrls);
}

/** Stores may return their dataset in a list, as in search results. */
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
    .filter(([tag]) => !SEQUENCES.some((name) => STOW_TAGS[name] === tag));
  return {
    stored: items(STOW_TAGS.stored),
    failed: items(STOW_TAGS.failed),
    otherFailures: items(STOW_TAGS.otherFailures),
    rest: Object.fromEntries(others),
  };
}
