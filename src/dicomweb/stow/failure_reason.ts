/**
 * Failure reasons of a store's report, in words: they say nothing about patients.
 */

/** The meaning and the code (PS3.18, table I.2-2, and PS3.4, table B.2-1), such as `processing failure (0110)`. */
export function failureReasonText(reason: number): string {
  return `${meaningOf(reason)} (${statusHex(reason)})`;
}

function meaningOf(reason: number): string {
  if (reason >> 8 === 0xA7) return "out of resources";
  if (reason >> 8 === 0xA9) return "the data set does not match its SOP class";
  if (reason === 0x0110) return "processing failure";
  if (reason === 0x0122) return "SOP class not supported";
  if (reason === 0x0124) return "not authorized";
  if (reason === 0xC122) return "transfer syntax not supported";
  if (reason === 0xC123) return "study not accepted";
  if (reason >> 12 === 0xC) return "cannot understand the data set";
  return "see the store's documentation";
}

/** A status code of DICOM as its tables write it, such as `A700`. */
export function statusHex(code: number): string {
  return code.toString(16).toUpperCase().padStart(4, "0");
}
