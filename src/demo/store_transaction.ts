/**
 * The Store transaction (PS3.18, section 10.5): reads the instances of a multipart request one by one,
 * and reports the outcome of each. A request that breaks off stores nothing.
 */
import { parseMediaType } from "../dicomweb/media_type/media_type.ts";
import {
  boundaryOf,
  type MultipartPart,
  readMultipart,
} from "../dicomweb/multipart/multipart_reader.ts";
import { MultipartError } from "../dicomweb/multipart/multipart_scanner.ts";
import { readBounded } from "../network/bounded_body.ts";
import { plainString } from "./dicom_dataset.ts";
import { type Keyword, tagOf } from "./dicom_dictionary.ts";
import type { DicomJson, DicomJsonAttribute } from "./dicom_json.ts";
import { DicomFileError, TransferSyntaxError } from "./dicom_reader.ts";
import {
  type ArchivedInstance,
  type InstanceArchive,
  readInstance,
  resourceUrl,
} from "./instance_archive.ts";
import { chooseOffer, JSON_OFFERS } from "./media_type_offer.ts";
import { Problem } from "./problem.ts";

/** Failure reasons (PS3.18, section I.2.2). */
const OUT_OF_RESOURCES = 0xA700;
const NOT_OF_THIS_STUDY = 0xA900;
const CANNOT_UNDERSTAND = 0xC000;
const TRANSFER_SYNTAX_NOT_SUPPORTED = 0xC122;

interface Failure {
  /** Undefined if the instance is unknown. */
  readonly sop: { readonly sopClassUid: string; readonly instance: string } | undefined;
  readonly reason: number;
}

/**
 * Stores the instances of a request. Returns 200 if all, 202 if some, 409 if none is stored.
 *
 * @throws {Problem} 400, 406 or 415 for an invalid request.
 */
export async function storeInstances(request: Request, { archive, baseUrl, study }: {
  readonly archive: InstanceArchive;
  /** The base URL of the service, for the URLs in the response. */
  readonly baseUrl: string;
  /** The only study that is accepted, if given. */
  readonly study: string | undefined;
}): Promise<Response> {
  const offer = chooseOffer(request.headers.get("accept") ?? undefined, JSON_OFFERS);
  const stored: ArchivedInstance[] = [];
  const failures: Failure[] = [];
  let { freeBytes } = archive;
  try {
    for await (const part of partsOf(request)) {
      const result = await takePart(part, freeBytes, study);
      if ("reason" in result) failures.push(result);
      else {
        stored.push(result);
        freeBytes -= result.file.length;
      }
    }
  } catch (error) {
    if (error instanceof MultipartError) throw new Problem(400, error.message);
    throw error;
  }
  if (stored.length + failures.length === 0) throw new Problem(400, "The request has no parts");
  for (const instance of stored) archive.add(instance);
  const status = failures.length === 0 ? 200 : stored.length > 0 ? 202 : 409;
  return Response.json(report(stored, failures, baseUrl), {
    status,
    headers: { "Content-Type": offer.essence },
  });
}

function partsOf(request: Request): AsyncGenerator<MultipartPart> {
  const contentType = request.headers.get("content-type");
  const type = parseMediaType(contentType ?? "");
  const ofParts = type?.parameters.get("type")?.toLowerCase();
  if (type?.essence !== "multipart/related" || ofParts !== "application/dicom") {
    throw new Problem(415, 'The request must be multipart/related; type="application/dicom"', {
      "Accept": 'multipart/related; type="application/dicom"',
    });
  }
  if (request.body === null) throw new Problem(400, "The request has no body");
  return readMultipart(
    request.body as ReadableStream<Uint8Array<ArrayBuffer>>,
    boundaryOf(contentType),
  );
}

async function takePart(
  part: MultipartPart,
  maxBytes: number,
  study: string | undefined,
): Promise<ArchivedInstance | Failure> {
  const type = parseMediaType(part.headers.get("content-type") ?? "application/dicom");
  if (type?.essence !== "application/dicom") return { sop: undefined, reason: CANNOT_UNDERSTAND };
  // In memory, as the archive holds it: bounded by its free space.
  const file = await readBounded(part.body, maxBytes);
  if (file instanceof ReadableStream) {
    await file.cancel();
    return { sop: undefined, reason: OUT_OF_RESOURCES };
  }
  try {
    const instance = readInstance(file);
    return study === undefined || study === instance.study
      ? instance
      : { sop: instance, reason: NOT_OF_THIS_STUDY };
  } catch (error) {
    if (error instanceof TransferSyntaxError) {
      const sop = {
        sopClassUid: plainString(error.meta, "00020002"),
        instance: plainString(error.meta, "00020003"),
      };
      return { sop, reason: TRANSFER_SYNTAX_NOT_SUPPORTED };
    }
    if (error instanceof DicomFileError) return { sop: undefined, reason: CANNOT_UNDERSTAND };
    throw error;
  }
}

/** Store Instances Response (PS3.18, section I.2). */
function report(
  stored: readonly ArchivedInstance[],
  failures: readonly Failure[],
  baseUrl: string,
): DicomJson {
  const studies = new Set(stored.map(({ study }) => study));
  const [study] = studies;
  const sequence = (keyword: Keyword, items: readonly DicomJson[]) =>
    items.length === 0 ? [] : [[tagOf(keyword), { vr: "SQ", Value: items }] as const];
  const reason = (failure: Failure): [string, DicomJsonAttribute] => [
    tagOf("FailureReason"),
    { vr: "US", Value: [failure.reason] },
  ];
  return Object.fromEntries([
    ...(study !== undefined && studies.size === 1 ? [url(resourceUrl(baseUrl, { study }))] : []),
    ...sequence(
      "FailedSOPSequence",
      failures.filter(({ sop }) => sop).map((each) =>
        Object.fromEntries([...reference(each.sop!), reason(each)])
      ),
    ),
    ...sequence(
      "ReferencedSOPSequence",
      stored.map((each) =>
        Object.fromEntries([...reference(each), url(resourceUrl(baseUrl, each))])
      ),
    ),
    ...sequence(
      "OtherFailuresSequence",
      failures.filter(({ sop }) => !sop).map((each) => Object.fromEntries([reason(each)])),
    ),
  ]);
}

function reference(sop: NonNullable<Failure["sop"]>): [string, DicomJsonAttribute][] {
  return [
    [tagOf("ReferencedSOPClassUID"), { vr: "UI", Value: [sop.sopClassUid] }],
    [tagOf("ReferencedSOPInstanceUID"), { vr: "UI", Value: [sop.instance] }],
  ];
}

function url(value: string): [string, DicomJsonAttribute] {
  return [tagOf("RetrieveURL"), { vr: "UR", Value: [value] }];
}
