/**
 * Writes DICOM files (PS3.10) in explicit VR little endian, for the synthetic study: no sequences.
 */
import { Buffer } from "node:buffer";
import { EXPLICIT_VR_LITTLE_ENDIAN, LONG_VRS } from "./dicom_dataset.ts";
import { ATTRIBUTES, type Keyword } from "./dicom_dictionary.ts";

/** Values by keyword: text (multiple values separated by backslashes), an unsigned short, or bytes. */
export type DicomAttributes = Readonly<
  Partial<Record<Keyword, string | number | Uint8Array<ArrayBuffer>>>
>;

type Element = readonly [tag: string, vr: string, value: string | number | Uint8Array];

/** @param implementation UID and version name of the writing software. */
export function writeDicomFile(
  attributes: DicomAttributes & { readonly SOPClassUID: string; readonly SOPInstanceUID: string },
  implementation: { readonly classUid: string; readonly versionName: string },
): Uint8Array<ArrayBuffer> {
  const meta = encodeAll([
    ["00020001", "OB", Uint8Array.of(0, 1)],
    ["00020002", "UI", attributes.SOPClassUID],
    ["00020003", "UI", attributes.SOPInstanceUID],
    ["00020010", "UI", EXPLICIT_VR_LITTLE_ENDIAN],
    ["00020012", "UI", implementation.classUid],
    ["00020013", "SH", implementation.versionName],
  ]);
  const elements = Object.entries(attributes).map(([keyword, value]): Element => [
    ...ATTRIBUTES[keyword as Keyword],
    value,
  ]);
  elements.sort(([a], [b]) => a < b ? -1 : 1);
  const metaLength = new Uint8Array(4);
  new DataView(metaLength.buffer).setUint32(0, meta.length, true);
  return concatenate([
    new Uint8Array(128),
    new TextEncoder().encode("DICM"),
    encode(["00020000", "UL", metaLength]),
    meta,
    encodeAll(elements),
  ]);
}

function encodeAll(elements: readonly Element[]): Uint8Array<ArrayBuffer> {
  return concatenate(elements.map(encode));
}

function encode([tag, vr, value]: Element): Uint8Array<ArrayBuffer> {
  const bytes = encodeValue(vr, value);
  const isLong = LONG_VRS.has(vr);
  const head = new DataView(new ArrayBuffer(isLong ? 12 : 8));
  head.setUint16(0, parseInt(tag.slice(0, 4), 16), true);
  head.setUint16(2, parseInt(tag.slice(4), 16), true);
  head.setUint8(4, vr.charCodeAt(0));
  head.setUint8(5, vr.charCodeAt(1));
  if (isLong) head.setUint32(8, bytes.length, true);
  else head.setUint16(6, bytes.length, true);
  return concatenate([new Uint8Array(head.buffer), bytes]);
}

function encodeValue(vr: string, value: string | number | Uint8Array): Uint8Array {
  if (value instanceof Uint8Array) return value;
  if (typeof value === "number") return Uint8Array.of(value & 255, value >> 8);
  const bytes = new TextEncoder().encode(value);
  // Values have an even length: UIDs are padded with NUL, other text with space (PS3.5, section 6.2).
  return bytes.length % 2 === 0 ? bytes : concatenate([bytes, Uint8Array.of(vr === "UI" ? 0 : 32)]);
}

function concatenate(pieces: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.concat(pieces));
}
