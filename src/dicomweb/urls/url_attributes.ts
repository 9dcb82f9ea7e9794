/**
 * DICOM attributes with URLs of a store's resources. Their VR was UT before it became UR (DICOM
 * CP-1324), so it is not checked. Contact URI (0074,100A), the fourth, is a person's address.
 */

export const URL_ATTRIBUTES: readonly string[] = [
  // Retrieve URL: in search results, in responses to uploads, and with references to instances.
  "00081190",
  // Retrieve URI: WADO-URI, in the WADO Retrieval Sequence of a workitem.
  "0040E010",
  // Pixel Data Provider URL: pixel data stored separately (JPIP).
  "00287FE0",
];
