import assert from "node:assert/strict";
import type { DicomJson } from "../../src/demo/dicom_json.ts";
import { writeDicomFile } from "../../src/demo/dicom_writer.ts";
import { makeSyntheticStudy } from "../../src/demo/synthetic_study.ts";
import { startStore, stowRequest } from "./running_store.ts";

const { studyInstanceUid, instances } = makeSyntheticStudy();
const [first, second] = instances.map((each) => each.file) as [
  Uint8Array<ArrayBuffer>,
  Uint8Array<ArrayBuffer>,
];
const CT = "1.2.840.10008.5.1.4.1.1.2";
const junk = new TextEncoder().encode("no DICOM file");

/** A copy that says it is in another transfer syntax. */
function relabelled(file: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const text = Array.from(file, (byte) => String.fromCharCode(byte)).join("");
  return Uint8Array.from(
    text.replace("1.2.840.10008.1.2.1\0", "1.2.840.10008.1.2.2\0"),
    (char) => char.charCodeAt(0),
  );
}

function withoutSeries(): Uint8Array<ArrayBuffer> {
  return writeDicomFile(
    { SOPClassUID: CT, SOPInstanceUID: "1.2.3", StudyInstanceUID: "1.2" },
    { classUid: "2.25.1", versionName: "TEST" },
  );
}

function values(report: DicomJson, sequence: string, tag: string): unknown[] {
  return (report[sequence]?.Value ?? []).map((item) => (item as DicomJson)[tag]?.Value?.[0]);
}

const [REFERENCED, FAILED, OTHER] = ["00081199", "00081198", "0008119A"] as const;
const rows: [
  why: string,
  files: Uint8Array<ArrayBuffer>[],
  path: string,
  expected: { status: number; stored: number; failed?: number[]; other?: number[] },
][] = [
  ["one instance", [first], "/studies", { status: 200, stored: 1 }],
  ["two instances", [first, second], "/studies", { status: 200, stored: 2 }],
  ["into its own study", [first], `/studies/${studyInstanceUid}`, { status: 200, stored: 1 }],
  ["into another study", [first], "/studies/1.2.3", { status: 409, stored: 0, failed: [0xA900] }],
  ["what is no DICOM", [junk], "/studies", { status: 409, stored: 0, other: [0xC000] }],
  ["a part of size zero", [new Uint8Array(0)], "/studies", {
    status: 409,
    stored: 0,
    other: [0xC000],
  }],
  ["a cut instance", [first.slice(0, -1)], "/studies", { status: 409, stored: 0, other: [0xC000] }],
  ["an instance without a series", [withoutSeries()], "/studies", {
    status: 409,
    stored: 0,
    other: [0xC000],
  }],
  ["big endian", [relabelled(first)], "/studies", { status: 409, stored: 0, failed: [0xC122] }],
  ["some good, some bad", [junk, first, relabelled(first)], "/studies", {
    status: 202,
    stored: 1,
    failed: [0xC122],
    other: [0xC000],
  }],
];

Deno.test("the Store transaction reports what was stored (PS3.18, 10.5 and annex I)", async (t) => {
  for (const [why, files, path, { status, stored, failed = [], other = [] }] of rows) {
    await t.step(why, async () => {
      await using running = await startStore();
      const response = await running.stow(files, path);
      assert.equal(response.status, status);
      assert.equal(response.headers.get("content-type"), "application/dicom+json");
      const report: DicomJson = await response.json();
      assert.equal(report[REFERENCED]?.Value?.length ?? 0, stored);
      assert.deepEqual(values(report, FAILED, "00081197"), failed);
      assert.deepEqual(values(report, OTHER, "00081197"), other);
      assert.equal(
        values(report, FAILED, "00081155").every((uid) => uid === instances[0]!.sopInstanceUid),
        true,
      );
      // An empty sequence would be counted as a failure by some clients.
      for (const sequence of [REFERENCED, FAILED, OTHER]) {
        assert.notEqual(report[sequence]?.Value?.length, 0);
      }
      const held = await (await running.send("/instances")).json();
      assert.equal(held.length, stored);
      const studyUrl = `${running.store.url}/studies/${studyInstanceUid}`;
      if (stored > 0) {
        assert.deepEqual(report["00081190"], { vr: "UR", Value: [studyUrl] });
        const { seriesInstanceUid, sopInstanceUid } = instances[0]!;
        assert.deepEqual(report[REFERENCED]?.Value?.[0], {
          "00081150": { vr: "UI", Value: [CT] },
          "00081155": { vr: "UI", Value: [sopInstanceUid] },
          "00081190": {
            vr: "UR",
            Value: [`${studyUrl}/series/${seriesInstanceUid}/instances/${sopInstanceUid}`],
          },
        });
      } else assert.equal(report["00081190"], undefined);
    });
  }
});

const refusals: [why: string, init: RequestInit, status: number][] = [
  ["another media type", {
    method: "POST",
    body: first,
    headers: { "Content-Type": "application/dicom" },
  }, 415],
  ["parts of DICOM JSON", {
    method: "POST",
    body: "--b--",
    headers: { "Content-Type": 'multipart/related; type="application/dicom+json"; boundary=b' },
  }, 415],
  ["no boundary", {
    method: "POST",
    body: "--b--",
    headers: { "Content-Type": 'multipart/related; type="application/dicom"' },
  }, 400],
  ["no parts", stowRequest([]), 400],
  ["no body", { ...stowRequest([]), body: null }, 400],
  ["another Accept", {
    ...stowRequest([]),
    headers: {
      Accept: "application/dicom+xml",
      "Content-Type": 'multipart/related; type="application/dicom"; boundary=b',
    },
  }, 406],
  ["a body that ends too early", {
    ...stowRequest([]),
    body: new Blob(["--b\r\n\r\n", first, "\r\n--b\r\n\r\n", second]),
  }, 400],
];

Deno.test("the Store transaction rejects an invalid request, and stores nothing", async (t) => {
  await using running = await startStore();
  for (const [why, init, status] of refusals) {
    await t.step(why, async () => {
      const response = await running.send("/studies", init);
      assert.equal(response.status, status);
      assert.equal(response.headers.get("content-type"), "application/problem+json");
      assert.equal((await response.json()).status, status);
      assert.deepEqual(await (await running.send("/studies")).json(), []);
    });
  }
});

Deno.test("the Store transaction accepts type= without quotes and a quoted boundary", async () => {
  await using running = await startStore();
  const response = await running.send("/studies", {
    ...stowRequest([{
      headers: { "content-type": "application/dicom; transfer-syntax=*" },
      body: first,
    }]),
    headers: { "Content-Type": 'Multipart/Related;type=Application/DICOM;boundary="b"' },
  });
  assert.equal(response.status, 200);
  await response.body?.cancel();
});

Deno.test("the Store transaction rejects a part of another type and stores the others", async () => {
  await using running = await startStore();
  const response = await running.send(
    "/studies",
    stowRequest([{ headers: { "Content-Type": "image/jpeg" }, body: first }, {
      headers: {},
      body: second,
    }]),
  );
  assert.equal(response.status, 202);
  assert.deepEqual(values(await response.json(), OTHER, "00081197"), [0xC000]);
});

Deno.test("the store accepts no more than its limit, and a delete frees space", async () => {
  await using running = await startStore({ maxBytes: first.length * 2 + 100 });
  const crowd = instances.slice(0, 3).map((each) => each.file);
  const response = await running.stow(crowd);
  assert.equal(response.status, 202);
  assert.deepEqual(values(await response.json(), OTHER, "00081197"), [0xA700]);
  assert.equal((await (await running.send("/instances")).json()).length, 2);
  assert.equal(
    (await running.send(`/studies/${studyInstanceUid}`, { method: "DELETE" })).status,
    204,
  );
  const again = await running.stow(crowd.slice(0, 2));
  assert.equal(again.status, 200);
  await again.body?.cancel();
});

Deno.test("an instance stored again replaces the earlier one", async () => {
  await using running = await startStore();
  for (let times = 0; times < 2; times++) {
    await (await running.stow([first, second])).body?.cancel();
  }
  assert.equal((await (await running.send("/instances")).json()).length, 2);
});
