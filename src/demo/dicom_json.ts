/**
 * Writes datasets as DICOM JSON (PS3.18, annex F).
 */
import { withoutTrailing } from "../dicomweb/without_trailing.ts";
import { type DicomDataset, type DicomElement, plainString } from "./dicom_dataset.ts";

/** One value; null if it is empty. */
export type DicomJsonValue = string | number | PersonName | DicomJson | null;

/** A person's name (PS3.18, section F.2.2). */
export interface PersonName {
  readonly Alphabetic?: string;
  readonly Ideographic?: string;
  readonly Phonetic?: string;
}

/** One attribute (PS3.18, section F.2.2). */
export interface DicomJsonAttribute {
  readonly vr: string;
  readonly Value?: readonly DicomJsonValue[];
  readonly InlineBinary?: string;
  readonly BulkDataURI?: string;
}

/** A dataset in DICOM JSON: attributes by tag. */
export interface DicomJson {
  readonly [tag: string]: DicomJsonAttribute;
}

export interface DicomJsonOptions {
  /** The URI of a binary value of the top level; undefined to write the value inline. */
  readonly bulkDataUri?: (tag: string, element: DicomElement) => string | undefined;
}

type NumberReader = (view: DataView, at: number) => number | string;

/** Binary numbers: bytes per value, and how to read one. 64-bit ones become text, as annex F allows. */
const NUMBERS: Readonly<Record<string, readonly [size: number, read: NumberReader]>> = {
  FL: [4, (view, at) => view.getFloat32(at, true)],
  FD: [8, (view, at) => view.getFloat64(at, true)],
  SL: [4, (view, at) => view.getInt32(at, true)],
  SS: [2, (view, at) => view.getInt16(at, true)],
  SV: [8, (view, at) => view.getBigInt64(at, true).toString()],
  UL: [4, (view, at) => view.getUint32(at, true)],
  US: [2, (view, at) => view.getUint16(at, true)],
  UV: [8, (view, at) => view.getBigUint64(at, true).toString()],
  AT: [4, (view, at) => hex(view.getUint16(at, true)) + hex(view.getUint16(at + 2, true))],
};
const BINARY: ReadonlySet<string> = new Set(["OB", "OD", "OF", "OL", "OV", "OW", "UN"]);
/** Text of one value: a backslash is no separator, and leading white space is significant. */
const LONG_TEXT: ReadonlySet<string> = new Set(["LT", "ST", "UR", "UT"]);

/** Labels of `TextDecoder` by defined term of Specific Character Set (PS3.3, section C.12.1.1.2). */
const CHARACTER_SETS: Readonly<Record<string, string>> = {
  "ISO_IR 192": "utf-8",
  "ISO_IR 101": "iso-8859-2",
  "ISO_IR 109": "iso-8859-3",
  "ISO_IR 110": "iso-8859-4",
  "ISO_IR 144": "iso-8859-5",
  "ISO_IR 127": "iso-8859-6",
  "ISO_IR 126": "iso-8859-7",
  "ISO_IR 138": "iso-8859-8",
  "ISO_IR 148": "windows-1254",
  "ISO_IR 166": "windows-874",
  "ISO_IR 13": "shift_jis",
  "GB18030": "gb18030",
  "GBK": "gbk",
};

/**
 * Writes a dataset as DICOM JSON. Of text with code extensions (ISO 2022), only the first character set
 * is decoded correctly.
 *
 * @param characterSet The character set of the enclosing dataset.
 */
export function toDicomJson(
  dataset: DicomDataset,
  options: DicomJsonOptions = {},
  characterSet = "",
): DicomJson {
  const [own = ""] = plainString(dataset, "00080005").split("\\");
  const effective = own.trim().replace("ISO 2022 IR", "ISO_IR") || characterSet;
  const decoder = new TextDecoder(CHARACTER_SETS[effective] ?? "iso-8859-1");
  const json: Record<string, DicomJsonAttribute> = {};
  for (const [tag, element] of dataset) {
    // Group lengths are not part of the model (PS3.18, section F.2.2).
    if (tag.endsWith("0000")) continue;
    json[tag] = toAttribute(tag, element, options, decoder, effective);
  }
  return json;
}

function toAttribute(
  tag: string,
  element: DicomElement,
  options: DicomJsonOptions,
  decoder: TextDecoder,
  characterSet: string,
): DicomJsonAttribute {
  const { vr } = element;
  if ("items" in element) {
    const items = element.items.map((item) => toDicomJson(item, {}, characterSet));
    return items.length === 0 ? { vr } : { vr, Value: items };
  }
  const uri = BINARY.has(vr) ? options.bulkDataUri?.(tag, element) : undefined;
  if (uri !== undefined) return { vr, BulkDataURI: uri };
  if ("fragments" in element || element.bytes.length === 0) return { vr };
  if (BINARY.has(vr)) return { vr, InlineBinary: element.bytes.toBase64() };
  const values = vr in NUMBERS
    ? binaryNumbers(vr, element.bytes)
    : textValues(vr, decoder.decode(element.bytes));
  return values.length === 0 ? { vr } : { vr, Value: values };
}

function binaryNumbers(vr: string, bytes: Uint8Array): DicomJsonValue[] {
  const [size, read] = NUMBERS[vr]!;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: Math.floor(bytes.length / size) }, (_, n) => read(view, n * size));
}

function textValues(vr: string, text: string): DicomJsonValue[] {
  if (LONG_TEXT.has(vr)) {
    const whole = withoutTrailing(text, "\0 ");
    return whole === "" ? [] : [whole];
  }
  // Some writers pad with NUL instead of space.
  const values = text.split("\\").map((value) => withoutTrailing(value.replace(/^ +/, ""), "\0 "));
  if (values.length === 1 && values[0] === "") return [];
  return values.map((value) => {
    if (value === "") return null;
    if (vr === "PN") return personName(value);
    if ((vr === "DS" || vr === "IS") && Number.isFinite(Number(value))) return Number(value);
    return value;
  });
}

function personName(value: string): PersonName {
  const [alphabetic, ideographic, phonetic] = value.split("=");
  return {
    ...(alphabetic && { Alphabetic: alphabetic }),
    ...(ideographic && { Ideographic: ideographic }),
    ...(phonetic && { Phonetic: phonetic }),
  };
}

function hex(value: number): string {
  return value.toString(16).toUpperCase().padStart(4, "0");
}
