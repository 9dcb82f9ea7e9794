/**
 * The Search transaction (PS3.18, section 10.6): matching studies, series and instances, with the
 * attributes of their level.
 */
import { type Keyword, tagOf } from "./dicom_dictionary.ts";
import type { DicomJson, DicomJsonAttribute, DicomJsonValue } from "./dicom_json.ts";
import {
  type ArchivedInstance,
  type InstanceArchive,
  type ResourcePath,
  resourceUrl,
} from "./instance_archive.ts";
import { isMatch, type SearchQuery } from "./search_query.ts";

export type SearchLevel = "study" | "series" | "instance";

const LEVELS: readonly SearchLevel[] = ["study", "series", "instance"];

/** Attributes of results (PS3.18, tables 10.6.3-3 to 10.6.3-5). */
const RETURNED: Readonly<Record<SearchLevel, readonly Keyword[]>> = {
  study: [
    "SpecificCharacterSet",
    "StudyDate",
    "StudyTime",
    "AccessionNumber",
    "InstanceAvailability",
    "ModalitiesInStudy",
    "ReferringPhysicianName",
    "TimezoneOffsetFromUTC",
    "StudyDescription",
    "PatientName",
    "PatientID",
    "PatientBirthDate",
    "PatientSex",
    "StudyInstanceUID",
    "StudyID",
    "NumberOfStudyRelatedSeries",
    "NumberOfStudyRelatedInstances",
  ],
  series: [
    "SpecificCharacterSet",
    "Modality",
    "TimezoneOffsetFromUTC",
    "SeriesDescription",
    "SeriesInstanceUID",
    "SeriesNumber",
    "NumberOfSeriesRelatedInstances",
    "PerformedProcedureStepStartDate",
    "PerformedProcedureStepStartTime",
    "RequestAttributesSequence",
  ],
  instance: [
    "SpecificCharacterSet",
    "SOPClassUID",
    "SOPInstanceUID",
    "InstanceAvailability",
    "TimezoneOffsetFromUTC",
    "InstanceNumber",
    "Rows",
    "Columns",
    "BitsAllocated",
    "NumberOfFrames",
  ],
};

/**
 * @param path The study or series to search in.
 * @param baseUrl The base URL of the service, for the URLs in the results.
 */
export function search(
  archive: InstanceArchive,
  level: SearchLevel,
  path: ResourcePath,
  query: SearchQuery,
  baseUrl: string,
): DicomJson[] {
  const computed = new Map<string, DicomJson>();
  const results: DicomJson[] = [];
  for (const found of entities(archive.select(path), level)) {
    const seriesUrl = resourceUrl("", entityPath(found, "series"));
    const counts = computed.get(seriesUrl) ?? countsOf(archive, found);
    computed.set(seriesUrl, counts);
    const json = { ...found.json, ...counts };
    if (!isMatch(json, query)) continue;
    const included = query.include === "all" ? Object.keys(found.json) : query.include;
    const wanted = new Set<string>([...keywordsFor(level, path).map(tagOf), ...included]);
    results.push({
      ...Object.fromEntries(
        // Only metadata refers to bulk data.
        Object.entries(json).filter(([tag, { BulkDataURI }]) => wanted.has(tag) && !BulkDataURI),
      ),
      [tagOf("RetrieveURL")]: text("UR", resourceUrl(baseUrl, entityPath(found, level))),
    });
  }
  return results.slice(query.offset, query.offset + query.limit);
}

/** The first instance of each study, each series, or each instance. */
function entities(instances: readonly ArchivedInstance[], level: SearchLevel): ArchivedInstance[] {
  const first = new Map<string, ArchivedInstance>();
  for (const each of instances) {
    const key = resourceUrl("", entityPath(each, level));
    if (!first.has(key)) first.set(key, each);
  }
  return [...first.values()];
}

function entityPath(each: ArchivedInstance, level: SearchLevel): ResourcePath {
  return {
    study: each.study,
    ...(level !== "study" && { series: each.series }),
    ...(level === "instance" && { instance: each.instance }),
  };
}

/** The attributes of the level, and of the levels above it that the request does not specify. */
function keywordsFor(level: SearchLevel, path: ResourcePath): Keyword[] {
  const levels = LEVELS.slice(0, LEVELS.indexOf(level) + 1);
  return [
    "StudyInstanceUID",
    ...(level === "study" ? [] : ["SeriesInstanceUID"] as const),
    ...levels.filter((each) => each === level || path[each] === undefined).flatMap((each) =>
      RETURNED[each]
    ),
  ];
}

/** Attributes computed over a study and series. */
function countsOf(archive: InstanceArchive, { study, series }: ArchivedInstance): DicomJson {
  const all = archive.select({ study });
  const inSeries = all.filter((each) => each.series === series);
  const modalities = new Set(all.flatMap(({ json }) => json[tagOf("Modality")]?.Value ?? []));
  return {
    [tagOf("InstanceAvailability")]: text("CS", "ONLINE"),
    [tagOf("ModalitiesInStudy")]: text("CS", ...modalities),
    [tagOf("SOPClassesInStudy")]: text("UI", ...new Set(all.map((each) => each.sopClassUid))),
    [tagOf("NumberOfStudyRelatedSeries")]: text("IS", entities(all, "series").length),
    [tagOf("NumberOfStudyRelatedInstances")]: text("IS", all.length),
    [tagOf("NumberOfSeriesRelatedInstances")]: text("IS", inSeries.length),
  };
}

function text(vr: string, ...values: DicomJsonValue[]): DicomJsonAttribute {
  return { vr, Value: values };
}
