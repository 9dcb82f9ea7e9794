/**
 * A DICOM dataset in memory, values as the bytes that stand in the file.
 *
 * @module
 */
import { withoutTrailing } from "../dicomweb/without_trailing.ts";

/** One data element (PS3.5, section 7.1). */
export type DicomElement =
  /** A plain value. */
  | { readonly vr: string; readonly bytes: Uint8Array<ArrayBuffer> }
  /** A sequence. */
  | { readonly vr: "SQ"; readonly items: readonly DicomDataset[] }
  /** Compressed pixel data: the fragments, the first being the offset table. */
  | { readonly vr: string; readonly fragments: readonly Uint8Array<ArrayBuffer>[] };

/** Data elements by tag, in the order of the file. */
export type DicomDataset = ReadonlyMap<string, DicomElement>;

/** A DICOM file (PS3.10). */
export interface DicomFile {
  /** UID of the transfer syntax. */
  readonly transferSyntax: string;
  /** The elements behind the file meta information. */
  readonly dataset: DicomDataset;
}

/** Explicit VR Little Endian, the transfer syntax of uncompressed data. */
export const EXPLICIT_VR_LITTLE_ENDIAN = "1.2.840.10008.1.2.1";

/** Value representations whose length takes four bytes in explicit VR (PS3.5, section 7.1.2). */
export const LONG_VRS: ReadonlySet<string> = new Set(
  ["OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV"],
);

/**
 * Reads a UID or another plain string of one value.
 *
 * @returns The string without its padding; empty where there is none.
 */
export function plainString(dataset: DicomDataset, tag: string): string {
  const element = dataset.get(tag);
  if (element === undefined || !("bytes" in element)) return "";
  return withoutTrailing(new TextDecoder().decode(element.bytes), "\0 ");
}
