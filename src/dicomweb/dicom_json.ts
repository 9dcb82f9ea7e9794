/**
 * Datasets in the DICOM JSON model (PS3.18, annex F), as far as stores' responses are read here.
 */

export interface DicomJsonAttribute {
  readonly vr: string;
  readonly Value?: readonly unknown[];
  readonly InlineBinary?: string;
  readonly BulkDataURI?: string;
}

/** Attributes by tag: eight hexadecimal digits in upper case. */
export type DicomJsonDataset = Readonly<Record<string, DicomJsonAttribute>>;

const TAG = /^[0-9A-Fa-f]{8}$/;

/** Reads parsed JSON as a dataset, tags in lower case too; undefined if it is none. */
export function toDataset(value: unknown): DicomJsonDataset | undefined {
  if (!isObject(value)) return undefined;
  const dataset: Record<string, DicomJsonAttribute> = {};
  for (const [tag, attribute] of Object.entries(value)) {
    if (!TAG.test(tag) || !isObject(attribute)) return undefined;
    dataset[tag.toUpperCase()] = attribute as unknown as DicomJsonAttribute;
  }
  return dataset;
}

/** The items of a sequence; none if there is no such sequence. */
export function itemsOf(dataset: DicomJsonDataset, tag: string): DicomJsonDataset[] {
  return valuesOf(dataset, tag).map(toDataset).filter((item) => item !== undefined);
}

/** The first value of an attribute, if it is text that is not empty. */
export function textOf(dataset: DicomJsonDataset, tag: string): string | undefined {
  const [value] = valuesOf(dataset, tag);
  return typeof value === "string" && value !== "" ? value : undefined;
}

/** The first value of an attribute, if it is a whole number. Some stores write numbers as text. */
export function numberOf(dataset: DicomJsonDataset, tag: string): number | undefined {
  const [value] = valuesOf(dataset, tag);
  const isWritten = typeof value === "number" || (typeof value === "string" && value !== "");
  return isWritten && Number.isInteger(Number(value)) ? Number(value) : undefined;
}

/** Sorts a dataset's attributes by tag (PS3.18, section F.2.2). */
export function sorted(dataset: DicomJsonDataset): DicomJsonDataset {
  return Object.fromEntries(Object.entries(dataset).sort(([a], [b]) => a < b ? -1 : 1));
}

function valuesOf(dataset: DicomJsonDataset, tag: string): readonly unknown[] {
  const values = dataset[tag]?.Value;
  return Array.isArray(values) ? values : [];
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
