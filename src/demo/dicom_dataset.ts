/**
 * A DICOM dataset in memory, with values as the bytes of the file.
 */
import { withoutTrailing } from "../dicomweb/without_trailing.ts";

/** One data element (PS3.5, section 7.1). */
export type DicomElement =
  | { readonly vr: string; readonly bytes: Uint8Array<ArrayBuffer> }
  | { readonly vr: "SQ"; readonly items: readonly DicomDataset[] }
  /** Compressed pixel data; the first fragment is the offset table. */
  | { readonly vr: string; readonly fragments: readonly Uint8Array<ArrayBuffer>[] };

/** Data elements by tag, in the order of the file. */
export type DicomDataset = ReadonlyMap<string, DicomElement>;

/** A DICOM file (PS3.10). */
export interface DicomFile {
  readonly transferSyntax: string;
  /** The elements after the file meta information. */
  readonly dataset: DicomDataset;
}

/** Explicit VR Little Endian, the transfer syntax of uncompressed data. */
export const EXPLICIT_VR_LITTLE_ENDIAN = "1.2.840.10008.1.2.1";

/** Value representations whose length takes four bytes in explicit VR (PS3.5, section 7.1.2). */
export const LONG_VRS: ReadonlySet<string> = new Set(
  ["OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV"],
);

/** A UID or other string of one value, without padding; empty if it is missing. */
export function plainString(dataset: DicomDataset, tag: string): string {
  const element = dataset.get(tag);
  if (element === undefined || !("bytes" in element)) return "";
  return withoutTrailing(new TextDecoder().decode(element.bytes), "\0 ");
}
