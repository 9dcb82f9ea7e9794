/** Name of the gateway's section in the configuration file. */
export const SECTION = "DicomWebOAuth";
