/**
 * DICOM attributes by which a store tells where to get something. All four attributes that bear
 * URLs were UT before they became UR (DICOM CP-1324), so the VR is not asked for.
 *
 * Contact URI (0074,100A) is the fourth, and none of them: it is someone's address.
 *
 * @module
 */

/** Tags as DICOM JSON and the Native DICOM Model write them. */
export const URL_ATTRIBUTES: readonly string[] = [
  // Retrieve URL: answers to searches and storing, and whatever refers to instances.
  "00081190",
  // Retrieve URI: WADO-URI, in the WADO Retrieval Sequence of a workitem.
  "0040E010",
  // Pixel Data Provider URL: pixel data that is kept apart (JPIP).
  "00287FE0",
];
