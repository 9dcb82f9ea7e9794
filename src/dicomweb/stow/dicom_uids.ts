/**
 * Reads the UIDs of a DICOM file (PS3.10) from its first bytes as they stream by: SOP class and
 * instance from the file meta information, in every transfer syntax; study and series too unless
 * the dataset is deflated. It holds at most 64 KiB. A file in another format has no UIDs.
 */
import type { Bytes } from "../bytes.ts";
import { decodeLatin1 } from "../latin1.ts";
import { withoutTrailing } from "../without_trailing.ts";

export interface InstanceUids {
  readonly sopClassUid?: string;
  readonly sopInstanceUid?: string;
  readonly studyInstanceUid?: string;
  readonly seriesInstanceUid?: string;
}

const MAX_HELD_BYTES = 64 * 1024;
const PREAMBLE_BYTES = 128;
const IMPLICIT_LITTLE_ENDIAN = "1.2.840.10008.1.2";
const BIG_ENDIAN = "1.2.840.10008.1.2.2";
const DEFLATED = /^1\.2\.840\.10008\.1\.2\.(1\.99|4\.95|4\.205)$/;
/** VRs with two reserved bytes and a length of four (PS3.5, section 7.1.2). */
const LONG_VRS = "OB OD OF OL OV OW SQ SV UC UN UR UT UV";
const UNDEFINED_LENGTH = 0xFFFFFFFF;

const TRANSFER_SYNTAX = 0x00020010;
const SERIES_INSTANCE_UID = 0x0020000E;
const ITEM = 0xFFFEE000;
const ITEM_END = 0xFFFEE00D;
const SEQUENCE_END = 0xFFFEE0DD;

/** UIDs of the dataset come later and override the meta information's: stores report them. */
const UIDS: ReadonlyMap<number, keyof InstanceUids> = new Map([
  [0x00020002, "sopClassUid"],
  [0x00020003, "sopInstanceUid"],
  [0x00080016, "sopClassUid"],
  [0x00080018, "sopInstanceUid"],
  [0x0020000D, "studyInstanceUid"],
  [SERIES_INSTANCE_UID, "seriesInstanceUid"],
]);

interface ElementHead {
  readonly tag: number;
  readonly length: number;
  readonly start: number;
}

/** Reads one instance: `push` its bytes until {@linkcode isDone}. */
export class InstanceHead {
  readonly #uids: { -readonly [Name in keyof InstanceUids]: InstanceUids[Name] } = {};
  #held: Bytes | undefined = new Uint8Array(0);
  #length = 0;
  #at = 0;
  #transferSyntax = "";
  /** Nesting in sequences of undefined length: UIDs in them are other instances'. */
  #depth = 0;

  /** The UIDs read so far. */
  get uids(): InstanceUids {
    return this.#uids;
  }

  /** Whether further bytes are ignored. */
  get isDone(): boolean {
    return this.#held === undefined;
  }

  /** @param chunk Must not change afterwards. */
  push(chunk: Bytes): void {
    if (this.#held === undefined) return;
    const taken = chunk.subarray(0, MAX_HELD_BYTES - this.#length);
    this.#held = this.#length === 0 ? taken : this.#append(taken);
    this.#length += taken.length;
    const hasMore = this.#read(this.#held.subarray(0, this.#length));
    if (!hasMore || this.#length === MAX_HELD_BYTES) this.#held = undefined;
  }

  /** Doubles the buffer, so that many small chunks cost little. */
  #append(taken: Bytes): Bytes {
    let held = this.#held!;
    const length = this.#length + taken.length;
    // The first chunk is held as it arrived, without free space behind it.
    if (held.length < length) {
      held = new Uint8Array(Math.min(2 * length, MAX_HELD_BYTES));
      held.set(this.#held!.subarray(0, this.#length));
    }
    held.set(taken, this.#length);
    return held;
  }

  /** Returns whether more can be read with more bytes. */
  #read(bytes: Bytes): boolean {
    if (this.#at === 0) {
      if (bytes.length < PREAMBLE_BYTES + 4) return true;
      this.#at = PREAMBLE_BYTES + 4;
      if (decodeLatin1(bytes.subarray(PREAMBLE_BYTES, this.#at)) !== "DICM") return false;
    }
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    for (;;) {
      // The tag, and the longest head that may follow it.
      if (this.#at + 12 > bytes.length) return true;
      const element = this.#readHead(view);
      if (element === undefined || !this.#mayContinue(element)) return false;
      const { tag, length, start } = element;
      if (length === UNDEFINED_LENGTH || tag === ITEM) {
        if (tag !== ITEM) this.#depth++;
        this.#at = start;
        continue;
      }
      if (tag === SEQUENCE_END) this.#depth--;
      const name = this.#depth === 0 ? UIDS.get(tag) : undefined;
      if (name !== undefined || tag === TRANSFER_SYNTAX) {
        if (start + length > bytes.length) return true;
        const uid = withoutTrailing(decodeLatin1(bytes.subarray(start, start + length)), "\0 ");
        if (name === undefined) this.#transferSyntax = uid;
        else if (uid !== "") this.#uids[name] = uid;
      }
      this.#at = start + length;
      if (tag === SERIES_INSTANCE_UID && this.#depth === 0) return false;
    }
  }

  /** The file meta information is in explicit VR little endian in every transfer syntax. */
  #readHead(view: DataView): ElementHead | undefined {
    const at = this.#at;
    const isMeta = view.getUint16(at, true) === 0x0002;
    const littleEndian = isMeta || this.#transferSyntax !== BIG_ENDIAN;
    const tag = view.getUint16(at, littleEndian) * 0x10000 + view.getUint16(at + 2, littleEndian);
    const isPlain = tag >= ITEM || !isMeta && this.#transferSyntax === IMPLICIT_LITTLE_ENDIAN;
    if (isPlain) return { tag, length: view.getUint32(at + 4, littleEndian), start: at + 8 };
    const vr = String.fromCharCode(view.getUint8(at + 4), view.getUint8(at + 5));
    if (!/^[A-Z]{2}$/.test(vr)) return undefined;
    if (!LONG_VRS.includes(vr)) {
      return { tag, length: view.getUint16(at + 6, littleEndian), start: at + 8 };
    }
    const length = view.getUint32(at + 8, littleEndian);
    // Its content is in another transfer syntax (PS3.5, section 6.2.2).
    if (vr === "UN" && length === UNDEFINED_LENGTH) return undefined;
    return { tag, length, start: at + 12 };
  }

  /** Whether elements of interest can still follow. */
  #mayContinue({ tag }: ElementHead): boolean {
    if (tag < 0x00030000) return true;
    if (this.#transferSyntax === "" || DEFLATED.test(this.#transferSyntax)) return false;
    if (tag >= ITEM) return this.#depth > 0 && [ITEM, ITEM_END, SEQUENCE_END].includes(tag);
    return this.#depth > 0 || tag <= SERIES_INSTANCE_UID;
  }
}
