/**
 * The studies of the far benchmark, from a few numbers: client and store make the same ones, so that
 * each can verify what it receives.
 */
import { type DicomAttributes, writeDicomFile } from "../../../src/demo/dicom_writer.ts";
import { seededBytes } from "../../fixtures/seeded_bytes.ts";

/** A study of one series. */
export interface StudyPlan {
  /** Makes its UIDs and pixels. */
  readonly seed: number;
  readonly count: number;
  readonly size: InstanceSize;
}

/** Bytes of pixels of an instance: a CT image, a compressed one, an enhanced CT of 200 frames. */
export const SIZES = {
  "0.5 MB": { rows: 512, columns: 512, frames: 1 },
  "50 KB": { rows: 160, columns: 160, frames: 1 },
  "100 MB": { rows: 512, columns: 512, frames: 200 },
} as const;

export type InstanceSize = keyof typeof SIZES;

export interface BenchInstance {
  readonly uid: string;
  readonly file: Uint8Array<ArrayBuffer>;
  readonly firstFrame: Uint8Array<ArrayBuffer>;
}

const CT_IMAGE = "1.2.840.10008.5.1.4.1.1.2";
const ENHANCED_CT_IMAGE = "1.2.840.10008.5.1.4.1.1.2.1";
/** A random UUID; UIDs derived from UUIDs begin with 2.25 (PS3.5, annex B.2). */
const UUID = 0x7c1c9f36_41a8_4a2e_9f03_5d2f17a90000n;
const UIDS_OF_A_STUDY = 10_000n;
/** A prime number of bytes, so that no two frames are alike. */
const noise = seededBytes(1, 1_048_573);

export function studyUid({ seed }: StudyPlan): string {
  return uidOf(seed, 0n);
}

/** Makes the instances in the order of their numbers. */
export function* makeStudy(plan: StudyPlan): Generator<BenchInstance> {
  for (let number = 1; number <= plan.count; number++) yield makeInstance(plan, number);
}

function makeInstance(plan: StudyPlan, number: number): BenchInstance {
  const { seed, size } = plan;
  const { rows, columns, frames } = SIZES[size];
  const frameBytes = rows * columns * 2;
  const pixels = noisePixels(seed * 1009 + number, frameBytes * frames);
  const uid = uidOf(seed, BigInt(number + 1));
  const attributes: DicomAttributes = {
    SpecificCharacterSet: "ISO_IR 192",
    ImageType: "ORIGINAL\\PRIMARY\\AXIAL",
    StudyDate: "20260102",
    SeriesDate: "20260102",
    AcquisitionDate: "20260102",
    ContentDate: "20260102",
    StudyTime: "101500",
    SeriesTime: "101600",
    AcquisitionTime: "101601",
    ContentTime: "101602",
    AccessionNumber: `BENCH${seed}`,
    Modality: "CT",
    Manufacturer: "Synthetic",
    InstitutionName: "Benchmark",
    StudyDescription: "Benchmark",
    SeriesDescription: "Axial",
    PatientName: "Bench^Synthetic",
    PatientID: "BENCH",
    PatientBirthDate: "19700101",
    PatientSex: "O",
    SliceThickness: "1",
    KVP: "120",
    PatientPosition: "HFS",
    StudyInstanceUID: studyUid(plan),
    SeriesInstanceUID: uidOf(seed, 1n),
    StudyID: "1",
    SeriesNumber: "1",
    InstanceNumber: `${number}`,
    ImagePositionPatient: `-256\\-256\\${number}`,
    ImageOrientationPatient: "1\\0\\0\\0\\1\\0",
    SliceLocation: `${number}`,
    SamplesPerPixel: 1,
    PhotometricInterpretation: "MONOCHROME2",
    ...(frames > 1 && { NumberOfFrames: `${frames}` }),
    Rows: rows,
    Columns: columns,
    PixelSpacing: "1\\1",
    BitsAllocated: 16,
    BitsStored: 16,
    HighBit: 15,
    PixelRepresentation: 0,
    WindowCenter: "32768",
    WindowWidth: "65536",
    PixelData: pixels,
  };
  const file = writeDicomFile({
    ...attributes,
    SOPClassUID: frames > 1 ? ENHANCED_CT_IMAGE : CT_IMAGE,
    SOPInstanceUID: uid,
  }, { classUid: "2.25.1", versionName: "BENCH" });
  return { uid, file, firstFrame: pixels.subarray(0, frameBytes) };
}

function uidOf(seed: number, number: bigint): string {
  return `2.25.${UUID + BigInt(seed) * UIDS_OF_A_STUDY + number}`;
}

function noisePixels(seed: number, length: number): Uint8Array<ArrayBuffer> {
  const pixels = new Uint8Array(length);
  let from = (seed * 4099) % noise.length;
  for (let at = 0; at < length;) {
    const piece = noise.subarray(from, from + length - at);
    pixels.set(piece, at);
    at += piece.length;
    from = 0;
  }
  new DataView(pixels.buffer).setUint32(0, seed);
  return pixels;
}
