/**
 * A bounded archive of DICOM instances in memory.
 */
import { type DicomElement, plainString } from "./dicom_dataset.ts";
import { tagOf } from "./dicom_dictionary.ts";
import { type DicomJson, toDicomJson } from "./dicom_json.ts";
import { DicomFileError, readDicomFile } from "./dicom_reader.ts";

/** A study, series or instance; empty for all instances. */
export interface ResourcePath {
  readonly study?: string;
  readonly series?: string;
  readonly instance?: string;
}

export interface ArchivedInstance {
  readonly study: string;
  readonly series: string;
  readonly instance: string;
  readonly sopClassUid: string;
  readonly transferSyntax: string;
  /** The DICOM file as received. */
  readonly file: Uint8Array<ArrayBuffer>;
  /** The dataset; a `BulkDataURI` in it is relative to the instance's URL. */
  readonly json: DicomJson;
  /** The values that `json` refers to, by tag. */
  readonly bulk: ReadonlyMap<string, Uint8Array<ArrayBuffer>>;
}

/** Longer binary values are not in the metadata. */
const MAX_INLINE_BYTES = 1024;
const PIXEL_DATA = tagOf("PixelData");

/**
 * Reads a DICOM file for the archive. Compressed pixel data can only be retrieved with the instance.
 *
 * @throws {DicomFileError} When the file cannot be read, or lacks a UID.
 */
export function readInstance(file: Uint8Array<ArrayBuffer>): ArchivedInstance {
  const { dataset, transferSyntax } = readDicomFile(file);
  const [study, series, instance, sopClassUid] = (
    ["StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "SOPClassUID"] as const
  ).map((keyword) => {
    const uid = plainString(dataset, tagOf(keyword));
    if (/^[0-9.]{1,64}$/.test(uid)) return uid;
    throw new DicomFileError(`Cannot take DICOM file: it has no valid ${keyword}`);
  }) as [string, string, string, string];
  const bulk = new Map<string, Uint8Array<ArrayBuffer>>();
  const bulkDataUri = (tag: string, element: DicomElement) => {
    if (!("bytes" in element)) return undefined;
    if (tag !== PIXEL_DATA && element.bytes.length <= MAX_INLINE_BYTES) return undefined;
    bulk.set(tag, element.bytes);
    return `bulkdata/${tag}`;
  };
  const json = toDicomJson(dataset, { bulkDataUri });
  return { study, series, instance, sopClassUid, transferSyntax, file, json, bulk };
}

export class InstanceArchive {
  readonly #instances = new Map<string, ArchivedInstance>();
  #freeBytes: number;

  constructor(maxBytes: number) {
    this.#freeBytes = maxBytes;
  }

  get freeBytes(): number {
    return this.#freeBytes;
  }

  /** Adds an instance, or replaces one of the same SOP Instance UID. */
  add(instance: ArchivedInstance): void {
    this.remove({ instance: instance.instance });
    this.#instances.set(instance.instance, instance);
    this.#freeBytes -= instance.file.length;
  }

  /** Finds instances, in the order of their arrival. */
  select(path: ResourcePath): ArchivedInstance[] {
    return [...this.#instances.values()].filter((each) =>
      (path.study ?? each.study) === each.study &&
      (path.series ?? each.series) === each.series &&
      (path.instance ?? each.instance) === each.instance
    );
  }

  /** Removes instances, and returns their number. */
  remove(path: ResourcePath): number {
    const removed = this.select(path);
    for (const { instance, file } of removed) {
      this.#instances.delete(instance);
      this.#freeBytes += file.length;
    }
    return removed.length;
  }
}

/** @param baseUrl The base URL of the DICOMweb service, without a trailing slash. */
export function resourceUrl(baseUrl: string, path: ResourcePath): string {
  const { study, series, instance } = path;
  return `${baseUrl}/studies/${study}` + (series === undefined ? "" : `/series/${series}`) +
    (instance === undefined ? "" : `/instances/${instance}`);
}
