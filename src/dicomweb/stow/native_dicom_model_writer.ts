/**
 * Writes datasets in the DICOM JSON model (PS3.18, annex F) as documents of the Native DICOM Model
 * (PS3.19, annex A.1; `application/dicom+xml`).
 */
import { encodeXmlText } from "../urls/xml_text.ts";
import {
  type DicomJsonAttribute,
  type DicomJsonDataset,
  textOf,
  toDataset,
} from "../dicom_json.ts";
import { NAME_COMPONENTS, NAME_GROUPS } from "./native_dicom_model.ts";

/** XML 1.0 allows no reference to these either (section 2.2). */
// deno-lint-ignore no-control-regex
const NOT_IN_XML = /[\0-\x08\v\f\x0E-\x1F\uFFFE\uFFFF]|\p{Surrogate}/gu;
/** Group and block of a private attribute, which is no creator. */
const PRIVATE = /^(.{3}[13579BDF])([1-9A-F].)..$/;
const UTF8 = new TextDecoder();

/**
 * Writes a dataset; items of sequences that are no datasets become empty ones.
 *
 * @param keywords Keywords by tag; the document names those of no other attribute.
 */
export function writeNativeDicomModel(
  dataset: DicomJsonDataset,
  keywords: ReadonlyMap<string, string>,
): string {
  return '<?xml version="1.0" encoding="UTF-8"?>' +
    `<NativeDicomModel xml:space="preserve">${attributes(dataset, keywords)}</NativeDicomModel>`;
}

function attributes(dataset: DicomJsonDataset, keywords: ReadonlyMap<string, string>): string {
  return Object.entries(dataset).map(([tag, attribute]) => {
    const keyword = keywords.get(tag);
    const named = keyword === undefined ? "" : ` keyword="${keyword}"`;
    const content = valuesOf(attribute, keywords);
    const creator = privateCreator(tag, dataset);
    const owned = creator === undefined ? "" : ` privateCreator="${escaped(creator)}"`;
    return `<DicomAttribute tag="${tag}" vr="${escaped(attribute.vr)}"${named}${owned}>${content}` +
      "</DicomAttribute>";
  }).join("");
}

/**
 * The creator of a private attribute: the text of the element that reserves its block (PS3.5, section
 * 7.8.1). PS3.19 requires it, as the block's number may differ in each dataset.
 */
function privateCreator(tag: string, dataset: DicomJsonDataset): string | undefined {
  const [, group, block] = PRIVATE.exec(tag) ?? [];
  return group === undefined ? undefined : textOf(dataset, `${group}00${block}`)?.trim();
}

function valuesOf(
  { vr, Value, InlineBinary, BulkDataURI }: DicomJsonAttribute,
  keywords: ReadonlyMap<string, string>,
): string {
  if (InlineBinary !== undefined) return `<InlineBinary>${escaped(InlineBinary)}</InlineBinary>`;
  if (BulkDataURI !== undefined) return `<BulkData uri="${escaped(BulkDataURI)}"/>`;
  if (!Array.isArray(Value)) return "";
  return Value.map((value: unknown, index) => {
    const number = `number="${index + 1}"`;
    if (vr === "SQ") {
      return `<Item ${number}>${attributes(toDataset(value) ?? {}, keywords)}</Item>`;
    }
    if (vr === "PN") return `<PersonName ${number}>${personName(value)}</PersonName>`;
    return `<Value ${number}>${escaped(value)}</Value>`;
  }).join("");
}

function personName(value: unknown): string {
  const groups = (value ?? {}) as Readonly<Record<string, unknown>>;
  return NAME_GROUPS.map((group) => {
    if (!groups[group]) return "";
    const components = String(groups[group]).split("^").slice(0, NAME_COMPONENTS.length)
      .map((text, index) => {
        const name = NAME_COMPONENTS[index];
        return text === "" ? "" : `<${name}>${escaped(text)}</${name}>`;
      });
    return `<${group}>${components.join("")}</${group}>`;
  }).join("");
}

function escaped(value: unknown): string {
  return UTF8.decode(encodeXmlText(String(value ?? "").replace(NOT_IN_XML, "\uFFFD")));
}
