/**
 * The body of a STOW response in the media type that the client prefers: JSON, or XML (PS3.18, section
 * 10.5.3).
 */
import { parseAccept } from "../media_type/media_type.ts";
import { writeNativeDicomModel } from "./native_dicom_model_writer.ts";
import { type StowReport, writeStowReport } from "./stow_response.ts";

export type ReportFormat = "json" | "xml";

export const REPORT_TYPES: Readonly<Record<ReportFormat, string>> = {
  json: "application/dicom+json",
  xml: "application/dicom+xml",
};

/** PS3.6, for the attributes of PS3.18, annex I. */
const KEYWORDS: ReadonlyMap<string, string> = new Map([
  ["00081150", "ReferencedSOPClassUID"],
  ["00081155", "ReferencedSOPInstanceUID"],
  ["00081190", "RetrieveURL"],
  ["00081196", "WarningReason"],
  ["00081197", "FailureReason"],
  ["00081198", "FailedSOPSequence"],
  ["00081199", "ReferencedSOPSequence"],
  ["0008119A", "OtherFailuresSequence"],
]);

const XML_TYPES = new Set(["application/dicom+xml", "application/xml", "text/xml"]);
const JSON_RANGES = new Set(["application/dicom+json", "application/json", "application/*", "*/*"]);

/** The format that a client prefers; JSON if its `Accept` names neither. */
export function preferredFormat(accept: string | null | undefined): ReportFormat {
  const first = parseAccept(accept).find(({ essence }) =>
    JSON_RANGES.has(essence) || XML_TYPES.has(essence)
  );
  return first !== undefined && XML_TYPES.has(first.essence) ? "xml" : "json";
}

/** Writes a report as {@linkcode writeStowReport} does, in the given format. */
export function stowReportBody(
  report: StowReport,
  format: ReportFormat,
  translateUrl?: (url: string) => string,
): string {
  const json = writeStowReport(report, translateUrl);
  return format === "json" ? json : writeNativeDicomModel(JSON.parse(json), KEYWORDS);
}
