import assert from "node:assert/strict";
import dicomWebClient from "dicomweb-client";
import XMLHttpRequest from "xhr2";
import type { DicomJson } from "../../src/demo/dicom_json.ts";
import { makeSyntheticStudy } from "../../src/demo/synthetic_study.ts";
import { startStore } from "./running_store.ts";

/** What is used of dicomweb-client, whose own types ask for options that it does not need. */
interface Client {
  storeInstances(options: { datasets: ArrayBuffer[] }): Promise<unknown>;
  searchForStudies(options: { queryParams: Record<string, string> }): Promise<DicomJson[]>;
  searchForSeries(options: Partial<Uids>): Promise<DicomJson[]>;
  searchForInstances(options: Partial<Uids>): Promise<DicomJson[]>;
  retrieveStudy(options: Partial<Uids>): Promise<ArrayBuffer[]>;
  retrieveSeries(options: Partial<Uids>): Promise<ArrayBuffer[]>;
  retrieveInstance(options: Uids): Promise<ArrayBuffer>;
  retrieveStudyMetadata(options: Partial<Uids>): Promise<DicomJson[]>;
  retrieveInstanceMetadata(options: Uids): Promise<DicomJson[]>;
  retrieveInstanceFrames(options: Uids & { frameNumbers: string }): Promise<ArrayBuffer[]>;
  retrieveBulkData(options: { BulkDataURI: string }): Promise<ArrayBuffer[]>;
}

interface Uids {
  studyInstanceUID: string;
  seriesInstanceUID: string;
  sopInstanceUID: string;
}

const { DICOMwebClient } = dicomWebClient.api as unknown as {
  DICOMwebClient: new (options: Record<string, unknown>) => Client;
};

Deno.test("dicomweb-client, the client inside OHIF, stores, searches and retrieves", async () => {
  await using running = await startStore();
  Object.assign(globalThis, { XMLHttpRequest });
  try {
    const client = new DICOMwebClient({
      url: running.store.url,
      headers: { Authorization: `Bearer ${await running.token()}` },
      verbose: false,
    });
    const { studyInstanceUid, instances } = makeSyntheticStudy();
    const [first] = instances as [typeof instances[0]];
    const uids: Uids = {
      studyInstanceUID: studyInstanceUid,
      seriesInstanceUID: first.seriesInstanceUid,
      sopInstanceUID: first.sopInstanceUid,
    };
    const { studyInstanceUID, seriesInstanceUID } = uids;
    const files = instances.map((each) => each.file);

    await client.storeInstances({ datasets: files.map((each) => each.buffer) });
    const studies = await client.searchForStudies({ queryParams: { PatientName: "Demo*" } });
    assert.deepEqual(studies[0]?.["00201208"]?.Value, [10]);
    assert.equal((await client.searchForSeries({ studyInstanceUID })).length, 2);
    assert.equal(
      (await client.searchForInstances({ studyInstanceUID, seriesInstanceUID })).length,
      5,
    );

    const bytes = (each: ArrayBuffer) => new Uint8Array(each);
    assert.deepEqual((await client.retrieveStudy({ studyInstanceUID })).map(bytes), files);
    const ofSeries = await client.retrieveSeries({ studyInstanceUID, seriesInstanceUID });
    assert.deepEqual(ofSeries.map(bytes), files.slice(0, 5));
    assert.deepEqual(bytes(await client.retrieveInstance(uids)), files[0]);

    assert.equal((await client.retrieveStudyMetadata({ studyInstanceUID })).length, 10);
    const [metadata] = await client.retrieveInstanceMetadata(uids);
    const pixels = first.file.slice(-128 * 128 * 2);
    const uri = metadata!["7FE00010"]!.BulkDataURI!;
    assert.deepEqual((await client.retrieveBulkData({ BulkDataURI: uri })).map(bytes), [pixels]);
    const frames = await client.retrieveInstanceFrames({ ...uids, frameNumbers: "1" });
    assert.deepEqual(frames.map(bytes), [pixels]);
  } finally {
    Reflect.deleteProperty(globalThis, "XMLHttpRequest");
  }
});
