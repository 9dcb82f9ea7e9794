/**
 * The rules for Orthanc, tested against Orthanc: what it rejects as sent by a client, and returns once
 * the header is normalized. It holds an image in JPEG 2000, which it cannot transcode.
 */
import { someMemory } from "../fixtures/holding_room.ts";
import assert from "node:assert/strict";
import { normaliseAccept } from "../../src/dicomweb/media_type/accept.ts";
import { profiles, withRules } from "../../src/dicomweb/profile/profile.ts";
import { classify } from "../../src/dicomweb/transaction/transaction.ts";
import { dispatch } from "../../src/upstream/dispatch.ts";
import { Pace } from "../../src/upstream/pace.ts";
import { PYDICOM } from "../demo/pydicom.ts";
import { needing, ORTHANC } from "../fixtures/installed_tool.ts";
import { MemoryLogger } from "../fixtures/memory_logger.ts";
import { Orthanc } from "../fixtures/orthanc.ts";
import { exchangeWith } from "../fixtures/store_exchange.ts";

const FILES = "/usr/lib/python3/dist-packages/pydicom/data/test_files";
const JPEG_2000 = ["1.2.8.20040826185059.5457", "1.3.8.1.20040826185059.5457"] as const;
const STUDY = `/studies/1.3.6.1.4.1.5962.${JPEG_2000[0]}`;
const IN_JPEG_2000 = `${STUDY}/series/1.3.6.1.4.1.5962.${JPEG_2000[1]}` +
  "/instances/1.3.6.1.4.1.5962.1.1.8.1.3.20040826185059.5457";
const IN_RLE = "/studies/1.3.6.1.4.1.5962.1.2.4.20040826185059.5457" +
  "/series/1.3.6.1.4.1.5962.1.3.4.1.20040826185059.5457" +
  "/instances/1.3.6.1.4.1.5962.1.1.4.1.1.20040826185059.5457";
const DICOM = 'multipart/related; type="application/dicom"';
const OCTETS = 'multipart/related; type="application/octet-stream"';

const BROWSER =
  "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8";

/** What Orthanc rejects unchanged, and the media type of its response to the normalized request. */
const refused: readonly (readonly [
  why: string,
  target: string,
  accept: string,
  given: string,
])[] = [
  ["AskStored", STUDY, DICOM, "multipart/related"],
  ["AskStored", IN_JPEG_2000, DICOM, "multipart/related"],
  ["NameDefaultType", STUDY, "*/*", "multipart/related"],
  ["NameDefaultType", `${IN_JPEG_2000}/frames/1`, "*/*", "multipart/related"],
  ["OneAcceptedType", IN_RLE, `application/json, ${DICOM}`, "multipart/related"],
  ["OneAcceptedType", `${IN_RLE}/frames/1`, `${OCTETS}, text/html`, "multipart/related"],
  [
    "OneAcceptedType",
    `${IN_RLE}/frames/1`,
    `${OCTETS}, multipart/related; type="image/jp2"`,
    "multipart/related",
  ],
  ["RenderedTypes", `${IN_RLE}/rendered`, "image/webp, image/png;q=0.9", "image/png"],
  ["RenderedTypes", `${IN_RLE}/rendered`, "image/*", "image/jpeg"],
  ["MetadataTypes", `${IN_RLE}/metadata`, BROWSER, "application/dicom+json"],
  ["MetadataTypes", `${IN_RLE}/metadata`, "application/*", "application/dicom+json"],
  [
    "BulkdataTypes",
    `${IN_RLE}/bulk/7fe00010`,
    `application/dicom+json, ${OCTETS}`,
    "multipart/related",
  ],
  ["UnwrapSingleParts", IN_RLE, "application/dicom", "multipart/related"],
];

/** What Orthanc cannot transcode, and rejects with 500. */
const untranscodable: readonly (readonly [target: string, accept: string])[] = [
  [STUDY, DICOM],
  [STUDY, "*/*"],
  [IN_JPEG_2000, DICOM],
  [`${IN_JPEG_2000}/frames/1`, "*/*"],
];

/** 64 rows and columns of 16 bits. */
const PIXEL_BYTES = 64 * 64 * 2;

/** What clients want without multipart, and the file that they receive; else the pixels. */
const single: readonly (readonly [target: string, accept: string, file?: string])[] = [
  [IN_JPEG_2000, "application/dicom; transfer-syntax=*", "JPEG2000.dcm"],
  // Repeated as stored.
  [IN_JPEG_2000, "application/dicom", "JPEG2000.dcm"],
  [IN_RLE, "application/dicom; transfer-syntax=*", "MR_small_RLE.dcm"],
  [`${IN_RLE}/frames/1`, "application/octet-stream"],
];

Deno.test(needing(
  PYDICOM,
  needing(ORTHANC, {
    name: "Orthanc gives what it refused once the Accept header is put right",
    async fn(t) {
      await using orthanc = await Orthanc.start();
      for (const file of ["JPEG2000.dcm", "MR_small_RLE.dcm"]) {
        await orthanc.upload(await Deno.readFile(`${FILES}/${file}`));
      }
      const answerTo = async (target: string, accept: string) => {
        const answer = await fetch(orthanc.dicomWebUrl + target, { headers: { accept } });
        await answer.body?.cancel();
        return answer;
      };
      /** Sends a client's request as the gateway does. */
      const through = (target: string, accept: string) => {
        const transaction = classify("GET", target);
        const exchange = exchangeWith(
          target,
          ({ headers }) => fetch(orthanc.dicomWebUrl + target, { headers }),
          { headers: { accept: normaliseAccept(transaction, accept, profiles.orthanc)! } },
        );
        return dispatch(exchange, transaction, {
          rules: profiles.orthanc.rules,
          pace: new Pace(0),
          memory: someMemory(),
          accept,
          server: "main",
          storeUrl: orthanc.dicomWebUrl,
          logger: new MemoryLogger(),
        });
      };
      for (const [why, target, accept, given] of refused) {
        await t.step(`${why}: ${accept} for …${target.slice(-30)}`, async () => {
          const before = await answerTo(target, accept);
          assert(before.status >= 400, `Orthanc gives it anyway: ${before.status}`);
          const profile = withRules(profiles.orthanc, { askStored: true });
          const sent = normaliseAccept(classify("GET", target), accept, profile);
          const after = await answerTo(target, sent!);
          assert.equal(after.status, 200, sent!);
          assert.equal(after.headers.get("content-type")?.split(";")[0], given);
        });
      }
      for (const [target, accept] of untranscodable) {
        await t.step(`AskStoredAfter: ${accept} for …${target.slice(-30)}`, async () => {
          const response = await through(target, accept);
          assert.equal(response.status, 200);
          assert.match(response.headers.get("warning")!, /stored transfer syntax/);
          const text = new TextDecoder("latin1").decode(await response.bytes());
          // The marker that begins a codestream of JPEG 2000.
          assert.ok(text.includes("\xFF\x4F\xFF\x51"));
        });
      }
      for (const [target, accept, file] of single) {
        await t.step(`UnwrapSingleParts: ${accept} for …${target.slice(-30)}`, async () => {
          const response = await through(target, accept);
          assert.equal(response.status, 200);
          assert.ok(response.headers.get("content-type")!.startsWith(accept.split(";")[0]!));
          const bytes = await response.bytes();
          assert.equal(response.headers.get("content-length"), String(bytes.length));
          const expected = file === undefined
            ? PIXEL_BYTES
            : (await Deno.stat(`${FILES}/${file}`)).size;
          assert.equal(bytes.length, expected);
        });
      }
    },
  }),
));
