/**
 * A synthetic CT study, always the same bytes: two series of axial slices through a water phantom with
 * bodies of bone, air and contrast medium.
 */
import { writeDicomFile } from "./dicom_writer.ts";

export interface SyntheticInstance {
  readonly seriesInstanceUid: string;
  readonly sopInstanceUid: string;
  readonly file: Uint8Array<ArrayBuffer>;
}

export interface SyntheticStudy {
  readonly studyInstanceUid: string;
  readonly instances: readonly SyntheticInstance[];
}

interface Series {
  readonly number: number;
  readonly description: string;
  readonly kernel: string;
  readonly thicknessMm: number;
  readonly windowCenter: number;
  readonly windowWidth: number;
}

const CT_IMAGE_STORAGE = "1.2.840.10008.5.1.4.1.1.2";
/** A random UUID; UIDs derived from UUIDs begin with 2.25 (PS3.5, annex B.2). */
const UUID = 0xde36f256_e85f_411b_a804_b8dd3ab91113n;
const SIZE = 128;
const PIXEL_MM = 3;
const SLICES = 5;
const SERIES: readonly Series[] = [
  {
    number: 1,
    description: "Phantom axial 10 mm soft",
    kernel: "SOFT",
    thicknessMm: 10,
    windowCenter: 40,
    windowWidth: 400,
  },
  {
    number: 2,
    description: "Phantom axial 20 mm bone",
    kernel: "BONE",
    thicknessMm: 20,
    windowCenter: 500,
    windowWidth: 2000,
  },
];

/** Bodies in the phantom, twice as long as wide: centre, radius in mm, density in Hounsfield units. */
const BODIES: readonly (readonly [x: number, y: number, z: number, radius: number, hu: number])[] =
  [
    [-70, -10, 0, 45, -800],
    [70, -10, 0, 45, -800],
    [0, 70, 0, 28, 700],
    [0, -45, 8, 22, 250],
    [60, 10, -12, 14, 60],
    [-60, 5, 15, 10, 90],
  ];

/** Makes the study: two series of five images each. */
export function makeSyntheticStudy(): SyntheticStudy {
  const studyInstanceUid = uid(1);
  const instances = SERIES.flatMap((series) =>
    Array.from({ length: SLICES }, (_, slice): SyntheticInstance => {
      const seriesInstanceUid = uid(series.number * 100);
      const sopInstanceUid = uid(series.number * 100 + 1 + slice);
      const z = (slice - (SLICES - 1) / 2) * series.thicknessMm;
      const file = writeDicomFile({
        SpecificCharacterSet: "ISO_IR 192",
        ImageType: "ORIGINAL\\PRIMARY\\AXIAL",
        SOPClassUID: CT_IMAGE_STORAGE,
        SOPInstanceUID: sopInstanceUid,
        StudyDate: "20260102",
        SeriesDate: "20260102",
        AcquisitionDate: "20260102",
        ContentDate: "20260102",
        StudyTime: "101500",
        SeriesTime: `10${15 + series.number}00`,
        AcquisitionTime: `10${15 + series.number}0${slice}`,
        ContentTime: `10${15 + series.number}0${slice}`,
        AccessionNumber: "DEMO0001",
        Modality: "CT",
        Manufacturer: "Synthetic",
        InstitutionName: "Demonstration",
        ReferringPhysicianName: "",
        StudyDescription: "Synthetic CT phantom",
        SeriesDescription: series.description,
        ManufacturerModelName: "Phantom",
        PatientName: "Demo^Synthetic",
        PatientID: "DEMO-0001",
        PatientBirthDate: "19700101",
        PatientSex: "O",
        BodyPartExamined: "CHEST",
        SliceThickness: `${series.thicknessMm}`,
        KVP: "120",
        ConvolutionKernel: series.kernel,
        PatientPosition: "HFS",
        StudyInstanceUID: studyInstanceUid,
        SeriesInstanceUID: seriesInstanceUid,
        StudyID: "1",
        SeriesNumber: `${series.number}`,
        AcquisitionNumber: "1",
        InstanceNumber: `${slice + 1}`,
        ImagePositionPatient: `${-SIZE / 2 * PIXEL_MM}\\${-SIZE / 2 * PIXEL_MM}\\${z}`,
        ImageOrientationPatient: "1\\0\\0\\0\\1\\0",
        FrameOfReferenceUID: uid(2),
        PositionReferenceIndicator: "",
        SliceLocation: `${z}`,
        SamplesPerPixel: 1,
        PhotometricInterpretation: "MONOCHROME2",
        Rows: SIZE,
        Columns: SIZE,
        PixelSpacing: `${PIXEL_MM}\\${PIXEL_MM}`,
        BitsAllocated: 16,
        BitsStored: 12,
        HighBit: 11,
        PixelRepresentation: 0,
        BurnedInAnnotation: "NO",
        WindowCenter: `${series.windowCenter}`,
        WindowWidth: `${series.windowWidth}`,
        RescaleIntercept: "-1024",
        RescaleSlope: "1",
        RescaleType: "HU",
        PixelData: slicePixels(z),
      }, { classUid: uid(0), versionName: "DICOMWEB_GW_DEMO" });
      return { seriesInstanceUid, sopInstanceUid, file };
    })
  );
  return { studyInstanceUid, instances };
}

function uid(number: number): string {
  return `2.25.${UUID + BigInt(number)}`;
}

/** The slice at a height in mm, as 16-bit samples. */
function slicePixels(z: number): Uint8Array<ArrayBuffer> {
  const view = new DataView(new ArrayBuffer(SIZE * SIZE * 2));
  for (let row = 0; row < SIZE; row++) {
    for (let column = 0; column < SIZE; column++) {
      const x = (column - SIZE / 2) * PIXEL_MM;
      const y = (row - SIZE / 2) * PIXEL_MM;
      view.setUint16((row * SIZE + column) * 2, density(x, y, z) + 1024, true);
    }
  }
  return new Uint8Array(view.buffer);
}

function density(x: number, y: number, z: number): number {
  if ((x / 160) ** 2 + (y / 110) ** 2 > 1) return -1000;
  const body = BODIES.findLast(([cx, cy, cz, radius]) =>
    (x - cx) ** 2 + (y - cy) ** 2 + ((z - cz) / 2) ** 2 <= radius ** 2
  );
  return body?.[4] ?? 0;
}
