/**
 * Reads DICOM files (PS3.10) in explicit and implicit VR little endian, and with compressed pixel data,
 * which is not decoded. Rejects big endian, deflated and malformed files. Values are views of the file's
 * bytes.
 */
import {
  type DicomDataset,
  type DicomElement,
  type DicomFile,
  LONG_VRS,
  plainString,
} from "./dicom_dataset.ts";
import { vrOf } from "./dicom_dictionary.ts";

/** The file is no DICOM file, or malformed. */
export class DicomFileError extends Error {
  override readonly name: string = "DicomFileError";
}

export class TransferSyntaxError extends DicomFileError {
  override readonly name: string = "TransferSyntaxError";
  /** The file meta information, which is always readable. */
  readonly meta: DicomDataset;

  constructor(meta: DicomDataset) {
    super(`Cannot read DICOM file: its transfer syntax is ${plainString(meta, "00020010")}`);
    this.meta = meta;
  }
}

const IMPLICIT_VR = "1.2.840.10008.1.2";
/** Big endian, deflated, and JPIP, whose pixels are not in the file. */
const UNREAD = /^1\.2\.840\.10008\.1\.2\.(2|1\.99|8\.1|4\.94|4\.95|4\.204|4\.205)$/;
const UNDEFINED_LENGTH = 0xFFFFFFFF;
const ITEM = "FFFEE000";
const ITEM_END = "FFFEE00D";
const SEQUENCE_END = "FFFEE0DD";
/** More than any real file, and within the limits of the stack. */
const MAX_DEPTH = 64;

/**
 * @throws {TransferSyntaxError} When the file is big endian, deflated or without its pixels.
 * @throws {DicomFileError} When it is no DICOM file, or malformed.
 */
export function readDicomFile(file: Uint8Array<ArrayBuffer>): DicomFile {
  if (String.fromCharCode(...file.subarray(128, 132)) !== "DICM") {
    throw new DicomFileError("Cannot read DICOM file: it does not have the DICM mark");
  }
  const reader = new ElementReader(file, 132);
  const meta = reader.readDataset(file.length, true, 0, "0002");
  const transferSyntax = plainString(meta, "00020010");
  if (transferSyntax === "") {
    throw new DicomFileError("Cannot read DICOM file: it names no transfer syntax");
  }
  if (UNREAD.test(transferSyntax)) throw new TransferSyntaxError(meta);
  const dataset = reader.readDataset(file.length, transferSyntax !== IMPLICIT_VR, 0);
  return { transferSyntax, dataset };
}

class ElementReader {
  readonly #file: Uint8Array<ArrayBuffer>;
  readonly #view: DataView;
  #position: number;

  constructor(file: Uint8Array<ArrayBuffer>, position: number) {
    this.#file = file;
    this.#view = new DataView(file.buffer, file.byteOffset, file.byteLength);
    this.#position = position;
  }

  /** Reads elements up to `end`, an item delimiter, or the end of the group if one is given. */
  readDataset(end: number, explicit: boolean, depth: number, group = ""): DicomDataset {
    const dataset = new Map<string, DicomElement>();
    while (this.#position < end) {
      const start = this.#position;
      const tag = this.#readTag(end);
      if (!tag.startsWith(group)) {
        this.#position = start;
        break;
      }
      if (tag === ITEM_END) {
        this.#readUint32(end);
        break;
      }
      dataset.set(tag, this.#readElement(tag, end, explicit, depth));
    }
    return dataset;
  }

  #readElement(tag: string, end: number, explicit: boolean, depth: number): DicomElement {
    let vr = explicit ? this.#readVr(tag, end) : vrOf(tag);
    let length: number;
    if (!explicit) length = this.#readUint32(end);
    else if (LONG_VRS.has(vr)) {
      this.#take(2, end);
      length = this.#readUint32(end);
    } else length = this.#readUint16(end);
    if (length === UNDEFINED_LENGTH && tag === "7FE00010" && explicit) {
      return { vr, fragments: this.#readFragments(end) };
    }
    if (vr === "UN") {
      // The dictionary may have what the writer did not know; in implicit VR (PS3.5, section 6.2.2).
      vr = length === UNDEFINED_LENGTH ? "SQ" : vrOf(tag);
      explicit = false;
    }
    if (vr === "SQ") {
      const items = this.#readItems(this.#valueEnd(length, end), length, explicit, depth + 1);
      return { vr, items };
    }
    return { vr, bytes: this.#take(length, end) };
  }

  #valueEnd(length: number, end: number): number {
    if (length === UNDEFINED_LENGTH) return end;
    if (this.#position + length > end) throw broken("it ends within a sequence");
    return this.#position + length;
  }

  #readItems(end: number, length: number, explicit: boolean, depth: number): DicomDataset[] {
    if (depth > MAX_DEPTH) throw broken("its sequences are nested too deeply");
    const items: DicomDataset[] = [];
    while (length === UNDEFINED_LENGTH || this.#position < end) {
      const tag = this.#readTag(end);
      const itemLength = this.#readUint32(end);
      if (tag === SEQUENCE_END && length === UNDEFINED_LENGTH) break;
      if (tag !== ITEM) throw broken(`${tag} instead of an item`);
      items.push(this.readDataset(this.#valueEnd(itemLength, end), explicit, depth));
    }
    return items;
  }

  #readFragments(end: number): Uint8Array<ArrayBuffer>[] {
    const fragments: Uint8Array<ArrayBuffer>[] = [];
    for (;;) {
      const tag = this.#readTag(end);
      const length = this.#readUint32(end);
      if (tag === SEQUENCE_END) return fragments;
      if (tag !== ITEM) throw broken(`${tag} instead of a fragment`);
      fragments.push(this.#take(length, end));
    }
  }

  #readTag(end: number): string {
    const group = this.#readUint16(end);
    const tag = (group << 16 | this.#readUint16(end)) >>> 0;
    return tag.toString(16).toUpperCase().padStart(8, "0");
  }

  #readVr(tag: string, end: number): string {
    const vr = String.fromCharCode(...this.#take(2, end));
    if (!/^[A-Z]{2}$/.test(vr)) throw broken(`${tag} has no value representation`);
    return vr;
  }

  #readUint16(end: number): number {
    const at = this.#position;
    this.#take(2, end);
    return this.#view.getUint16(at, true);
  }

  #readUint32(end: number): number {
    const at = this.#position;
    this.#take(4, end);
    return this.#view.getUint32(at, true);
  }

  #take(length: number, end: number): Uint8Array<ArrayBuffer> {
    if (this.#position + length > end) throw broken("it ends within an element");
    return this.#file.subarray(this.#position, this.#position += length);
  }
}

function broken(what: string): DicomFileError {
  return new DicomFileError(`Cannot read DICOM file: ${what}`);
}
