/**
 * Keeps DICOM instances in memory, up to a bound, and finds them by study, series and instance.
 *
 * @module
 */
import { type DicomElement, plainString } from "./dicom_dataset.ts";
import { tagOf } from "./dicom_dictionary.ts";
import { type DicomJson, toDicomJson } from "./dicom_json.ts";
import { DicomFileError, readDicomFile } from "./dicom_reader.ts";

/** A study, series or instance, or everything. */
export interface ResourcePath {
  readonly study?: string;
  readonly series?: string;
  readonly instance?: string;
}

/** An instance with what is known of it. */
export interface ArchivedInstance {
  readonly study: string;
  readonly series: string;
  readonly instance: string;
  readonly sopClassUid: string;
  readonly transferSyntax: string;
  /** The DICOM file as it came. */
  readonly file: Uint8Array<ArrayBuffer>;
  /** The dataset; a `BulkDataURI` in it is relative to the instance's own URL. */
  readonly json: DicomJson;
  /** Values that `json` only names, by tag. */
  readonly bulk: ReadonlyMap<string, Uint8Array<ArrayBuffer>>;
}

/** Longer binary values are left out of the metadata. */
const MAX_INLINE_BYTES = 1024;
const PIXEL_DATA = tagOf("PixelData");

/**
 * Reads what an archive has to know of a DICOM file. The values of compressed pixel data are to be
 * had with the whole instance only.
 *
 * @param file The file's bytes.
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

/** Instances in memory. */
export class InstanceArchive {
  readonly #maxBytes: number;
  readonly #instances = new Map<string, ArchivedInstance>();
  #usedBytes = 0;

  /** Makes an empty archive. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** How much more it takes, in bytes. */
  get freeBytes(): number {
    return this.#maxBytes - this.#usedBytes;
  }

  /** Keeps an instance, in place of an earlier one of the same SOP Instance UID. */
  add(instance: ArchivedInstance): void {
    this.remove({ instance: instance.instance });
    this.#instances.set(instance.instance, instance);
    this.#usedBytes += instance.file.length;
  }

  /** Finds instances, in the order in which they came. */
  select(path: ResourcePath): ArchivedInstance[] {
    return [...this.#instances.values()].filter((each) =>
      (path.study ?? each.study) === each.study &&
      (path.series ?? each.series) === each.series &&
      (path.instance ?? each.instance) === each.instance
    );
  }

  /** Drops instances. */
  remove(path: ResourcePath): number {
    const dropped = this.select(path);
    for (const { instance, file } of dropped) {
      this.#instances.delete(instance);
      this.#usedBytes -= file.length;
    }
    return dropped.length;
  }
}

/**
 * The URL of a study, series or instance.
 *
 * @param baseUrl The base URL of the DICOMweb service, without a trailing slash.
 * @returns Its URL.
 */
export function resourceUrl(baseUrl: string, path: ResourcePath): string {
  const { study, series, instance } = path;
  return `${baseUrl}/studies/${study}` + (series === undefined ? "" : `/series/${series}`) +
    (instance === undefined ? "" : `/instances/${instance}`);
}
