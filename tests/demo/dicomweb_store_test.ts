import assert from "node:assert/strict";
import { boundaryOf, readMultipart } from "../../src/dicomweb/multipart/multipart_reader.ts";
import type { DicomJson } from "../../src/demo/dicom_json.ts";
import { writeDicomFile } from "../../src/demo/dicom_writer.ts";
import { makeSyntheticStudy } from "../../src/demo/synthetic_study.ts";
import { needing } from "../fixtures/installed_tool.ts";
import { PYDICOM } from "./pydicom.ts";
import { type RunningStore, startStore } from "./running_store.ts";

const study = makeSyntheticStudy();
const STUDY = `/studies/${study.studyInstanceUid}`;
const [first] = study.instances as [typeof study.instances[0]];
const SERIES = `${STUDY}/series/${first.seriesInstanceUid}`;
const INSTANCE = `${SERIES}/instances/${first.sopInstanceUid}`;
const OTHER_STUDY = "/studies/1.2.840.1";

/** A second study, of one instance without pixels. */
function otherStudy(): Uint8Array<ArrayBuffer> {
  return writeDicomFile({
    SOPClassUID: "1.2.840.10008.5.1.4.1.1.88.11",
    SOPInstanceUID: "1.2.840.3",
    StudyInstanceUID: "1.2.840.1",
    SeriesInstanceUID: "1.2.840.2",
    PatientName: "Other^Person",
    PatientID: "OTHER-1",
    Modality: "SR",
    StudyDate: "20250607",
  }, { classUid: "2.25.1", versionName: "TEST" });
}

async function withStudies(use: (running: RunningStore) => Promise<void>): Promise<void> {
  await using running = await startStore();
  const response = await running.stow([...study.instances.map((each) => each.file), otherStudy()]);
  assert.equal(response.status, 200);
  // Two studies have no common URL.
  assert.equal((await response.json())["00081190"], undefined);
  await use(running);
}

interface Answer {
  readonly status: number;
  readonly type: string | null;
  readonly headers: Headers;
  readonly json: DicomJson[];
}

async function get(running: RunningStore, path: string, accept?: string): Promise<Answer> {
  const response = await running.send(
    path,
    accept === undefined ? {} : { headers: { Accept: accept } },
  );
  const type = response.headers.get("content-type");
  const json = type?.includes("json") ? await response.json() : await response.body?.cancel() ?? [];
  return { status: response.status, type, headers: response.headers, json };
}

async function parts(
  response: Response,
): Promise<{ type: string | null; location: string | null; bytes: Uint8Array }[]> {
  assert.equal(response.status, 200);
  const found: { type: string | null; location: string | null; bytes: Uint8Array }[] = [];
  for await (
    const part of readMultipart(response.body!, boundaryOf(response.headers.get("content-type")))
  ) {
    found.push({
      type: part.headers.get("content-type"),
      location: part.headers.get("content-location"),
      bytes: await new Response(part.body).bytes(),
    });
  }
  return found;
}

/** Searches, one row a rule; PS3.18, section 10.6. */
const searches: [path: string, found: number][] = [
  ["/studies", 2],
  ["/studies?PatientID=DEMO-0001", 1],
  ["/studies?PatientName=demo*", 1],
  ["/studies?00100010=Other^Person", 1],
  ["/studies?ModalitiesInStudy=SR", 1],
  ["/studies?StudyDate=20250101-20251231", 1],
  [`/studies?StudyInstanceUID=${study.studyInstanceUid},1.2.840.1`, 2],
  ["/studies?limit=1", 1],
  ["/studies?offset=1", 1],
  ["/studies?offset=2", 0],
  ["/studies?PatientID=nobody", 0],
  ["/series", 3],
  ["/series?Modality=CT", 2],
  ["/series?PatientID=OTHER-1", 1],
  [`${STUDY}/series`, 2],
  [`${STUDY}/series?SeriesNumber=2`, 1],
  [`${OTHER_STUDY}/series`, 1],
  ["/studies/1.2.3/series", 0],
  ["/instances", 11],
  ["/instances?limit=4&offset=9", 2],
  [`${STUDY}/instances`, 10],
  [`${STUDY}/instances?InstanceNumber=3`, 2],
  [`${SERIES}/instances`, 5],
  [`${OTHER_STUDY}/series/${first.seriesInstanceUid}/instances`, 0],
];

Deno.test("the Search transaction finds matches at every level", async (t) => {
  await withStudies(async (running) => {
    for (const [path, found] of searches) {
      await t.step(`${path} → ${found}`, async () => {
        const answer = await get(running, path);
        assert.equal(answer.status, 200);
        assert.equal(answer.type, "application/dicom+json");
        assert.equal(answer.json.length, found);
      });
    }
  });
});

Deno.test("the Search transaction returns the attributes of its level (PS3.18, 10.6.3.3)", async () => {
  await withStudies(async (running) => {
    const [ofStudy] = (await get(running, "/studies?PatientID=DEMO-0001")).json;
    assert.deepEqual(ofStudy, {
      "00080005": { vr: "CS", Value: ["ISO_IR 192"] },
      "00080020": { vr: "DA", Value: ["20260102"] },
      "00080030": { vr: "TM", Value: ["101500"] },
      "00080050": { vr: "SH", Value: ["DEMO0001"] },
      "00080056": { vr: "CS", Value: ["ONLINE"] },
      "00080061": { vr: "CS", Value: ["CT"] },
      "00080090": { vr: "PN" },
      "00081030": { vr: "LO", Value: ["Synthetic CT phantom"] },
      "00081190": { vr: "UR", Value: [running.store.url + STUDY] },
      "00100010": { vr: "PN", Value: [{ Alphabetic: "Demo^Synthetic" }] },
      "00100020": { vr: "LO", Value: ["DEMO-0001"] },
      "00100030": { vr: "DA", Value: ["19700101"] },
      "00100040": { vr: "CS", Value: ["O"] },
      "0020000D": { vr: "UI", Value: [study.studyInstanceUid] },
      "00200010": { vr: "SH", Value: ["1"] },
      "00201206": { vr: "IS", Value: [2] },
      "00201208": { vr: "IS", Value: [10] },
    });
    const [ofSeries] = (await get(running, `${STUDY}/series`)).json;
    assert.deepEqual(Object.keys(ofSeries!).sort(), [
      "00080005",
      "00080060",
      "0008103E",
      "00081190",
      "0020000D",
      "0020000E",
      "00200011",
      "00201209",
    ]);
    assert.deepEqual(ofSeries!["00081190"]?.Value, [running.store.url + SERIES]);
    assert.deepEqual(ofSeries!["00201209"]?.Value, [5]);
    const [ofInstance] = (await get(running, `${SERIES}/instances`)).json;
    assert.deepEqual(ofInstance!["00081190"]?.Value, [running.store.url + INSTANCE]);
    assert.deepEqual(ofInstance!["00280010"]?.Value, [128]);
    assert.equal(ofInstance!["00100010"], undefined);
    // A search over all studies returns the study of each result.
    const [relational] = (await get(running, "/instances?limit=1")).json;
    assert.deepEqual(relational!["00100020"]?.Value, ["DEMO-0001"]);
    assert.deepEqual(relational!["00080060"]?.Value, ["CT"]);
  });
});

Deno.test("the Search transaction adds requested attributes, but no bulk data", async () => {
  await withStudies(async (running) => {
    const [one] =
      (await get(running, "/studies?PatientID=DEMO-0001&includefield=BodyPartExamined")).json;
    assert.deepEqual(one!["00180015"]?.Value, ["CHEST"]);
    const [all] = (await get(running, "/instances?includefield=all&limit=1")).json;
    assert.deepEqual(all!["00281050"]?.Value, [40]);
    assert.equal(all!["7FE00010"], undefined);
  });
});

Deno.test("the Search transaction warns that it does not match fuzzily", async () => {
  await withStudies(async (running) => {
    const { headers } = await get(running, "/studies?fuzzymatching=true");
    assert.match(headers.get("warning")!, /^299 .*fuzzymatching/);
    assert.equal((await get(running, "/studies")).headers.get("warning"), null);
  });
});

/** What is answered with which type, or refused; PS3.18, sections 8.7 and 10.4. */
const types: [path: string, accept: string | undefined, status: number, type: RegExp][] = [
  ["/studies", "application/json", 200, /^application\/json$/],
  ["/studies", "multipart/related; type=application/dicom+xml", 406, /problem/],
  [STUDY, undefined, 200, /^multipart\/related; type="application\/dicom"; boundary=/],
  [
    STUDY,
    "multipart/related; type=application/dicom; transfer-syntax=*",
    200,
    /^multipart\/related; type="application\/dicom"/,
  ],
  [
    STUDY,
    'multipart/related; type="application/dicom"; transfer-syntax=1.2.840.10008.1.2.1',
    200,
    /^multipart/,
  ],
  [
    STUDY,
    'multipart/related; type="application/dicom"; transfer-syntax=1.2.840.10008.1.2.4.50',
    406,
    /problem/,
  ],
  [STUDY, "application/dicom", 406, /problem/],
  [INSTANCE, "application/dicom", 200, /^application\/dicom; transfer-syntax=1.2.840.10008.1.2.1$/],
  [INSTANCE, "application/dicom;q=0.5, multipart/related", 200, /^multipart/],
  [INSTANCE, "image/jpeg", 406, /problem/],
  [`${STUDY}/metadata`, undefined, 200, /^application\/dicom\+json$/],
  [
    `${STUDY}/metadata`,
    "application/dicom+xml, application/json;q=0.1",
    200,
    /^application\/json$/,
  ],
  [`${STUDY}/metadata`, "application/dicom+xml", 406, /problem/],
  [
    `${INSTANCE}/frames/1`,
    "multipart/related; type=application/octet-stream; transfer-syntax=*",
    200,
    /^multipart\/related; type="application\/octet-stream"/,
  ],
  [`${INSTANCE}/frames/1`, "application/octet-stream", 200, /^application\/octet-stream/],
  [`${INSTANCE}/frames/1`, 'multipart/related; type="image/jpeg"', 406, /problem/],
  [`${INSTANCE}/frames/2`, undefined, 404, /problem/],
  [`${INSTANCE}/frames/0`, undefined, 400, /problem/],
  [`${INSTANCE}/frames/1,x`, undefined, 400, /problem/],
  ["/studies/1.2.840.1/series/1.2.840.2/instances/1.2.840.3/frames/1", undefined, 404, /problem/],
  [`${INSTANCE}/bulkdata/7FE00010`, "*/*", 200, /^multipart/],
  [`${INSTANCE}/bulkdata/00100010`, undefined, 404, /problem/],
  [`${INSTANCE}/rendered`, "image/jpeg", 501, /problem/],
  [`${STUDY}/thumbnail`, undefined, 501, /problem/],
  [`${INSTANCE}/frames/1/rendered`, undefined, 501, /problem/],
  ["/studies/1.2.3", undefined, 404, /problem/],
  [`${STUDY}/series/1.2.3`, undefined, 404, /problem/],
  [`${SERIES}/instances/1.2.3`, undefined, 404, /problem/],
  [`${OTHER_STUDY}/series/${first.seriesInstanceUid}`, undefined, 404, /problem/],
  ["/studies/1.2.3/metadata", undefined, 404, /problem/],
  ["/workitems", undefined, 404, /problem/],
];

Deno.test("the Retrieve transaction returns an accepted media type, or an error", async (t) => {
  await withStudies(async (running) => {
    for (const [path, accept, status, type] of types) {
      await t.step(`${path.replaceAll(/2\.25\.\d+/g, "…")} for ${accept} → ${status}`, async () => {
        const answer = await get(running, path, accept);
        assert.equal(answer.status, status);
        assert.match(answer.type!, type);
      });
    }
  });
});

Deno.test("the Retrieve transaction returns every instance byte for byte", async () => {
  await withStudies(async (running) => {
    for (
      const [path, expected] of [
        [STUDY, study.instances],
        [SERIES, study.instances.slice(0, 5)],
        [INSTANCE, [first]],
      ] as const
    ) {
      const found = await parts(await running.send(path));
      assert.deepEqual(found.map((each) => each.bytes), expected.map((each) => each.file));
      assert.equal(found[0]?.type, "application/dicom; transfer-syntax=1.2.840.10008.1.2.1");
      assert.equal(found[0]?.location, running.store.url + INSTANCE);
    }
    const alone = await running.send(INSTANCE, { headers: { Accept: "application/dicom" } });
    assert.deepEqual(await alone.bytes(), first.file);
  });
});

Deno.test("the metadata contains the URL of the pixel data", async () => {
  await withStudies(async (running) => {
    const { json } = await get(running, `${INSTANCE}/metadata`);
    assert.equal(json.length, 1);
    const { vr, BulkDataURI: uri } = json[0]!["7FE00010"]!;
    assert.deepEqual([vr, uri], ["OW", `${running.store.url}${INSTANCE}/bulkdata/7FE00010`]);
    const pixels = first.file.slice(-128 * 128 * 2);
    for (const path of [uri!.slice(running.store.url.length), `${INSTANCE}/frames/1`]) {
      const [part] = await parts(await running.send(path));
      assert.deepEqual(part!.bytes, pixels);
      assert.equal(part!.type, "application/octet-stream; transfer-syntax=1.2.840.10008.1.2.1");
    }
    assert.equal((await get(running, `${STUDY}/metadata`)).json.length, 10);
    assert.equal((await get(running, `${SERIES}/metadata`)).json.length, 5);
  });
});

Deno.test("frames of a multi-frame image are parts of its pixel data", async () => {
  await using running = await startStore();
  const pixels = Uint8Array.from({ length: 3 * 4 }, (_, n) => n);
  const file = writeDicomFile({
    SOPClassUID: "1.2.840.10008.5.1.4.1.1.7.3",
    SOPInstanceUID: "1.3",
    StudyInstanceUID: "1.1",
    SeriesInstanceUID: "1.2",
    NumberOfFrames: "3",
    SamplesPerPixel: 1,
    Rows: 1,
    Columns: 2,
    BitsAllocated: 16,
    PixelData: pixels,
  }, { classUid: "2.25.1", versionName: "TEST" });
  await (await running.stow([file])).body?.cancel();
  const path = "/studies/1.1/series/1.2/instances/1.3/frames";
  const found = await parts(await running.send(`${path}/3,1`));
  assert.deepEqual(found.map((each) => [...each.bytes]), [[8, 9, 10, 11], [0, 1, 2, 3]]);
  assert.equal((await get(running, `${path}/4`)).status, 404);
  // Several frames require multipart.
  assert.equal((await get(running, `${path}/1,2`, "application/octet-stream")).status, 406);
});

Deno.test("a delete removes only the instance, series or study of its path", async () => {
  await withStudies(async (running) => {
    for (const [path, left] of [[INSTANCE, 10], [SERIES, 6], [STUDY, 1]] as const) {
      assert.equal((await running.send(path, { method: "DELETE" })).status, 204);
      assert.equal((await get(running, "/instances")).json.length, left);
      assert.equal((await get(running, path)).status, 404);
      const again = await running.send(path, { method: "DELETE" });
      await again.body?.cancel();
      assert.equal(again.status, 404);
    }
  });
});

Deno.test("the store returns the methods of a resource with 405", async () => {
  await using running = await startStore();
  for (
    const [path, method, allowed] of [
      [STUDY, "PUT", ["DELETE", "GET", "HEAD", "POST"]],
      ["/studies", "DELETE", ["GET", "HEAD", "POST"]],
      ["/series", "POST", ["GET", "HEAD"]],
    ] as const
  ) {
    const response = await running.send(path, { method });
    await response.body?.cancel();
    assert.equal(response.status, 405);
    assert.equal(response.headers.get("content-type"), "application/problem+json");
    assert.deepEqual(response.headers.get("allow")!.split(", ").sort(), allowed);
  }
});

Deno.test(needing(PYDICOM, {
  name: "the store keeps compressed instances unchanged, and returns no frames of them",
  async fn() {
    await using running = await startStore();
    const folder = PYDICOM.path.replace("__init__.py", "data/test_files");
    const file = await Deno.readFile(`${folder}/JPEG2000.dcm`);
    const report: DicomJson = await (await running.stow([file])).json();
    const item = report["00081199"]!.Value![0] as DicomJson;
    const path = String(item["00081190"]!.Value![0]).slice(running.store.url.length);
    const [part] = await parts(await running.send(path));
    assert.deepEqual(part!.bytes, file);
    assert.equal(part!.type, "application/dicom; transfer-syntax=1.2.840.10008.1.2.4.91");
    const { json } = await get(running, `${path}/metadata`);
    assert.deepEqual(json[0]!["7FE00010"], { vr: "OB" });
    assert.equal((await get(running, `${path}/frames/1`)).status, 406);
  },
}));
