/**
 * The part of the DICOM data dictionary (PS3.6) that the demo needs: attributes of searches, their
 * results, and CT images.
 */

/** Attributes by keyword: tag as DICOM JSON writes it, and value representation. */
export const ATTRIBUTES = {
  SpecificCharacterSet: ["00080005", "CS"],
  ImageType: ["00080008", "CS"],
  InstanceCreationDate: ["00080012", "DA"],
  InstanceCreationTime: ["00080013", "TM"],
  SOPClassUID: ["00080016", "UI"],
  SOPInstanceUID: ["00080018", "UI"],
  StudyDate: ["00080020", "DA"],
  SeriesDate: ["00080021", "DA"],
  AcquisitionDate: ["00080022", "DA"],
  ContentDate: ["00080023", "DA"],
  StudyTime: ["00080030", "TM"],
  SeriesTime: ["00080031", "TM"],
  AcquisitionTime: ["00080032", "TM"],
  ContentTime: ["00080033", "TM"],
  AccessionNumber: ["00080050", "SH"],
  InstanceAvailability: ["00080056", "CS"],
  Modality: ["00080060", "CS"],
  ModalitiesInStudy: ["00080061", "CS"],
  SOPClassesInStudy: ["00080062", "UI"],
  Manufacturer: ["00080070", "LO"],
  InstitutionName: ["00080080", "LO"],
  ReferringPhysicianName: ["00080090", "PN"],
  TimezoneOffsetFromUTC: ["00080201", "SH"],
  StationName: ["00081010", "SH"],
  StudyDescription: ["00081030", "LO"],
  SeriesDescription: ["0008103E", "LO"],
  PerformingPhysicianName: ["00081050", "PN"],
  ManufacturerModelName: ["00081090", "LO"],
  ReferencedSOPClassUID: ["00081150", "UI"],
  ReferencedSOPInstanceUID: ["00081155", "UI"],
  RetrieveURL: ["00081190", "UR"],
  FailureReason: ["00081197", "US"],
  FailedSOPSequence: ["00081198", "SQ"],
  ReferencedSOPSequence: ["00081199", "SQ"],
  OtherFailuresSequence: ["0008119A", "SQ"],
  PatientName: ["00100010", "PN"],
  PatientID: ["00100020", "LO"],
  IssuerOfPatientID: ["00100021", "LO"],
  PatientBirthDate: ["00100030", "DA"],
  PatientSex: ["00100040", "CS"],
  PatientAge: ["00101010", "AS"],
  BodyPartExamined: ["00180015", "CS"],
  SliceThickness: ["00180050", "DS"],
  KVP: ["00180060", "DS"],
  ProtocolName: ["00181030", "LO"],
  ConvolutionKernel: ["00181210", "SH"],
  PatientPosition: ["00185100", "CS"],
  StudyInstanceUID: ["0020000D", "UI"],
  SeriesInstanceUID: ["0020000E", "UI"],
  StudyID: ["00200010", "SH"],
  SeriesNumber: ["00200011", "IS"],
  AcquisitionNumber: ["00200012", "IS"],
  InstanceNumber: ["00200013", "IS"],
  ImagePositionPatient: ["00200032", "DS"],
  ImageOrientationPatient: ["00200037", "DS"],
  FrameOfReferenceUID: ["00200052", "UI"],
  PositionReferenceIndicator: ["00201040", "LO"],
  SliceLocation: ["00201041", "DS"],
  NumberOfStudyRelatedSeries: ["00201206", "IS"],
  NumberOfStudyRelatedInstances: ["00201208", "IS"],
  NumberOfSeriesRelatedInstances: ["00201209", "IS"],
  SamplesPerPixel: ["00280002", "US"],
  PhotometricInterpretation: ["00280004", "CS"],
  NumberOfFrames: ["00280008", "IS"],
  Rows: ["00280010", "US"],
  Columns: ["00280011", "US"],
  PixelSpacing: ["00280030", "DS"],
  BitsAllocated: ["00280100", "US"],
  BitsStored: ["00280101", "US"],
  HighBit: ["00280102", "US"],
  PixelRepresentation: ["00280103", "US"],
  BurnedInAnnotation: ["00280301", "CS"],
  WindowCenter: ["00281050", "DS"],
  WindowWidth: ["00281051", "DS"],
  RescaleIntercept: ["00281052", "DS"],
  RescaleSlope: ["00281053", "DS"],
  RescaleType: ["00281054", "LO"],
  PerformedProcedureStepStartDate: ["00400244", "DA"],
  PerformedProcedureStepStartTime: ["00400245", "TM"],
  RequestAttributesSequence: ["00400275", "SQ"],
  PixelData: ["7FE00010", "OW"],
} as const satisfies Record<string, readonly [tag: string, vr: string]>;

const VR_BY_TAG: ReadonlyMap<string, string> = new Map(Object.values(ATTRIBUTES));

export type Keyword = keyof typeof ATTRIBUTES;

/** The tag of an attribute, in upper-case hexadecimal. */
export function tagOf(keyword: Keyword): string {
  return ATTRIBUTES[keyword][0];
}

/**
 * The tag of an attribute that a search names by keyword or eight hexadecimal digits (PS3.18, section
 * 8.3.4.1); undefined for a keyword that is not in the dictionary.
 */
export function parseAttributeName(name: string): string | undefined {
  if (/^[0-9a-f]{8}$/i.test(name)) return name.toUpperCase();
  return Object.hasOwn(ATTRIBUTES, name) ? tagOf(name as Keyword) : undefined;
}

/** The value representation of an attribute, for implicit VR; `UN` if it is not in the dictionary. */
export function vrOf(tag: string): string {
  if (tag.endsWith("0000")) return "UL";
  if (isPrivateCreator(tag)) return "LO";
  return VR_BY_TAG.get(tag) ?? "UN";
}

function isPrivateCreator(tag: string): boolean {
  return parseInt(tag.slice(0, 4), 16) % 2 === 1 && /^00[1-9A-F]/.test(tag.slice(4));
}
