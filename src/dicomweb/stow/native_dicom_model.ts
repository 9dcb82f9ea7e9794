/**
 * Converts documents of the Native DICOM Model (PS3.19, annex A.1; `application/dicom+xml`) that
 * fit in memory to DICOM JSON (PS3.18, annex F). It rejects malformed documents, and document
 * types, which could expand to any size.
 */
import type { DicomJsonAttribute, DicomJsonDataset } from "../dicom_json.ts";
import { withoutTrailing } from "../without_trailing.ts";
import { decodeXmlText } from "../urls/xml_text.ts";

/** The name is without a prefix. */
interface XmlElement {
  readonly name: string;
  readonly attributes: ReadonlyMap<string, string>;
  readonly children: XmlElement[];
  text: string;
}

/** Comments, processing instructions, CDATA sections, end tags, start tags, text. */
const TOKEN =
  /<!--[^]*?-->|<\?[^]*?\?>|<!\[CDATA\[(?<cdata>[^]*?)\]\]>|<\/(?<end>[^\s<>/]+)\s*>|<(?<start>[^\s<>/!?=]+)(?<attributes>(?:\s+[^\s<>/=]+\s*=\s*(?:"[^"<]*"|'[^'<]*'))*)\s*(?<empty>\/?)>|(?<text>[^<]+)/y;
const ATTRIBUTE = /\s+([^\s<>/=]+)\s*=\s*(?:"([^"]*)"|'([^']*)')/gy;
const TAG = /^[0-9A-Fa-f]{8}$/;
/** Deeper than any real document, shallow enough for the stack. */
const MAX_DEPTH = 200;

const NUMBER_VRS = new Set(["DS", "FD", "FL", "IS", "SL", "SS", "SV", "UL", "US", "UV"]);
/** VRs whose surrounding blanks have no meaning. */
const TRIMMED_VRS = new Set([...NUMBER_VRS, "AT", "CS", "UI", "UR"]);
export const NAME_GROUPS = ["Alphabetic", "Ideographic", "Phonetic"];
export const NAME_COMPONENTS = [
  "FamilyName",
  "GivenName",
  "MiddleName",
  "NamePrefix",
  "NameSuffix",
];

/** Returns undefined if the text is no document of this model. */
export function readNativeDicomModel(text: string): DicomJsonDataset | undefined {
  const root = readXml(text);
  return root?.name === "NativeDicomModel" ? toDataset(root) : undefined;
}

function toDataset(element: XmlElement): DicomJsonDataset {
  const dataset: Record<string, DicomJsonAttribute> = {};
  for (const { name, attributes, children } of element.children) {
    const tag = attributes.get("tag");
    if (name !== "DicomAttribute" || tag === undefined || !TAG.test(tag)) continue;
    dataset[tag.toUpperCase()] = toAttribute(attributes.get("vr") ?? "UN", children);
  }
  return dataset;
}

function toAttribute(vr: string, children: readonly XmlElement[]): DicomJsonAttribute {
  const [first] = children;
  if (first === undefined) return { vr };
  if (first.name === "InlineBinary") return { vr, InlineBinary: first.text.replace(/\s/g, "") };
  if (first.name === "BulkData") {
    return { vr, BulkDataURI: first.attributes.get("uri") ?? first.attributes.get("URI") ?? "" };
  }
  return { vr, Value: children.map((child) => toValue(vr, child)) };
}

function toValue(vr: string, element: XmlElement): unknown {
  if (element.name === "Item") return toDataset(element);
  if (element.name === "PersonName") return toPersonName(element);
  const text = TRIMMED_VRS.has(vr) ? element.text.trim() : element.text;
  if (text === "") return null;
  return NUMBER_VRS.has(vr) && Number.isFinite(Number(text)) ? Number(text) : text;
}

function toPersonName(element: XmlElement): Record<string, string> {
  const groups = element.children.filter(({ name }) => NAME_GROUPS.includes(name));
  return Object.fromEntries(groups.map(({ name, children }) => {
    const components = NAME_COMPONENTS.map(
      (component) => children.find((child) => child.name === component)?.text ?? "",
    );
    return [name, withoutTrailing(components.join("^"), "^")];
  }));
}

/** Returns the root element; undefined if the text is malformed. */
function readXml(text: string): XmlElement | undefined {
  const document: XmlElement = { name: "", attributes: new Map(), children: [], text: "" };
  const open = [document];
  TOKEN.lastIndex = text.startsWith("\uFEFF") ? 1 : 0;
  while (TOKEN.lastIndex < text.length) {
    const groups = TOKEN.exec(text)?.groups;
    if (groups === undefined) return undefined;
    const parent = open.at(-1)!;
    if (groups.start !== undefined) {
      const element: XmlElement = {
        name: withoutPrefix(groups.start),
        attributes: readAttributes(groups.attributes!),
        children: [],
        text: "",
      };
      parent.children.push(element);
      if (groups.empty === "" && open.push(element) > MAX_DEPTH) return undefined;
    } else if (groups.end !== undefined) {
      if (open.length === 1 || parent.name !== withoutPrefix(groups.end)) return undefined;
      open.pop();
    } else if (groups.text !== undefined) {
      const data = decode(groups.text);
      if (data === undefined) return undefined;
      parent.text += data;
    } else parent.text += groups.cdata ?? "";
  }
  const isWhole = open.length === 1 && document.children.length === 1 &&
    document.text.trim() === "";
  return isWhole ? document.children[0] : undefined;
}

function readAttributes(text: string): Map<string, string> {
  const pairs = text.matchAll(ATTRIBUTE);
  return new Map([...pairs].map(([, name, a, b]) => [name!, decode(a ?? b!) ?? ""]));
}

function decode(text: string): string | undefined {
  return text.includes("&") ? decodeXmlText(new TextEncoder().encode(text)) : text;
}

function withoutPrefix(name: string): string {
  return name.slice(name.indexOf(":") + 1);
}
