/**
 * The Retrieve transaction (PS3.18, section 10.4): instances as they were stored, their metadata, and
 * frames of uncompressed pixel data, without transcoding and rendering.
 */
import { formatMediaType } from "../dicomweb/media_type/media_type.ts";
import { newBoundary, writeMultipart } from "../dicomweb/multipart/multipart_writer.ts";
import { EXPLICIT_VR_LITTLE_ENDIAN } from "./dicom_dataset.ts";
import { type Keyword, tagOf } from "./dicom_dictionary.ts";
import type { DicomJson } from "./dicom_json.ts";
import { type ArchivedInstance, resourceUrl } from "./instance_archive.ts";
import { chooseOffer, JSON_OFFERS, type Offer } from "./media_type_offer.ts";
import { Problem } from "./problem.ts";

/**
 * Returns whole instances as multipart, or a single one by itself if the client prefers that.
 *
 * @throws {Problem} 406 when neither is accepted.
 */
export function retrieveInstances(
  instances: readonly ArchivedInstance[],
  accept: string | undefined,
  baseUrl: string,
): Response {
  const parts = instances.map((each) => ({
    body: each.file,
    transferSyntax: each.transferSyntax,
    headers: { "Content-Location": resourceUrl(baseUrl, each) },
  }));
  return respond("application/dicom", parts, accept);
}

/**
 * Returns the metadata of instances, with URLs in place of long binary values.
 *
 * @throws {Problem} 406 when DICOM JSON is not accepted.
 */
export function retrieveMetadata(
  instances: readonly ArchivedInstance[],
  accept: string | undefined,
  baseUrl: string,
): Response {
  const { essence } = chooseOffer(accept, JSON_OFFERS);
  const datasets = instances.map((each) => withBulkUrls(each.json, resourceUrl(baseUrl, each)));
  return Response.json(datasets, { headers: { "Content-Type": essence } });
}

/**
 * Returns a value that the metadata refers to.
 *
 * @throws {Problem} 404 when there is no such value, 406 when bytes are not accepted.
 */
export function retrieveBulkData(
  instance: ArchivedInstance,
  tag: string,
  accept: string | undefined,
): Response {
  const body = instance.bulk.get(tag.toUpperCase());
  if (body === undefined) throw new Problem(404, "There is no such bulk data");
  return respondWithBytes([body], accept);
}

/**
 * Returns frames of uncompressed pixel data.
 *
 * @param list Numbers from 1, separated by commas.
 * @throws {Problem} 400 for a malformed list, 404 for a missing frame, 406 when the pixel data is
 * compressed or bytes are not accepted.
 */
export function retrieveFrames(
  instance: ArchivedInstance,
  list: string,
  accept: string | undefined,
): Response {
  if (!/^[1-9]\d{0,8}(,[1-9]\d{0,8})*$/.test(list)) {
    throw new Problem(400, "Frames are numbers from 1, separated by commas");
  }
  if (instance.json[tagOf("PixelData")] === undefined) {
    throw new Problem(404, "The instance has no pixel data");
  }
  const pixels = instance.bulk.get(tagOf("PixelData"));
  const number = (keyword: Keyword) => Number(instance.json[tagOf(keyword)]?.Value?.[0] ?? 1);
  const bits = number("Rows") * number("Columns") * number("SamplesPerPixel") *
    number("BitsAllocated");
  if (pixels === undefined || bits % 8 !== 0) {
    throw new Problem(406, "Frames are available only of uncompressed pixel data in whole bytes");
  }
  const frames = list.split(",").map((frame) => {
    const start = (Number(frame) - 1) * bits / 8;
    const end = start + bits / 8;
    if (end > pixels.length) throw new Problem(404, `The instance has no frame ${frame}`);
    return pixels.subarray(start, end);
  });
  return respondWithBytes(frames, accept);
}

function respondWithBytes(
  pieces: readonly Uint8Array<ArrayBuffer>[],
  accept: string | undefined,
): Response {
  const parts = pieces.map((body) => ({ body, transferSyntax: EXPLICIT_VR_LITTLE_ENDIAN }));
  return respond("application/octet-stream", parts, accept);
}

/** Multipart is the default of DICOMweb; a single part can be returned by itself. */
function respond(
  type: string,
  parts: readonly {
    readonly body: Uint8Array<ArrayBuffer>;
    readonly transferSyntax: string;
    readonly headers?: Readonly<Record<string, string>>;
  }[],
  accept: string | undefined,
): Response {
  const transferSyntaxes = new Set(parts.map(({ transferSyntax }) => transferSyntax));
  const single: Offer = { essence: type, transferSyntaxes };
  const multipart: Offer = { essence: "multipart/related", type, transferSyntaxes };
  const offer = chooseOffer(accept, parts.length === 1 ? [multipart, single] : [multipart]);
  const written = parts.map(({ body, transferSyntax, headers }) => {
    const parameters = new Map([["transfer-syntax", transferSyntax]]);
    const contentType = formatMediaType({ essence: type, parameters });
    return { body, headers: { ...headers, "Content-Type": contentType } };
  });
  const [first] = written;
  if (offer === single) return new Response(first!.body, { headers: first!.headers });
  const boundary = newBoundary();
  const parameters = new Map([["type", type], ["boundary", boundary]]);
  return new Response(writeMultipart(written, boundary), {
    headers: { "Content-Type": formatMediaType({ essence: "multipart/related", parameters }) },
  });
}

function withBulkUrls(json: DicomJson, instanceUrl: string): DicomJson {
  return Object.fromEntries(
    Object.entries(json).map(([tag, attribute]) => [
      tag,
      attribute.BulkDataURI === undefined
        ? attribute
        : { ...attribute, BulkDataURI: `${instanceUrl}/${attribute.BulkDataURI}` },
    ]),
  );
}
