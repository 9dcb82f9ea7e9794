/**
 * Clients with one permission each before a real Orthanc: each permission allows what it is for,
 * with every URL that Orthanc itself returns, and nothing else.
 */
import assert from "node:assert/strict";
import { CT_IMAGE, dicomFile, newUid } from "../fixtures/dicom_file.ts";
import { startGateway } from "../fixtures/gateway_process.ts";
import { needing, ORTHANC } from "../fixtures/installed_tool.ts";
import { Orthanc } from "../fixtures/orthanc.ts";
import { sha256 } from "../fixtures/seeded_bytes.ts";

const keyOf = (right: string) => right.padEnd(43, "-");

Deno.test(needing(ORTHANC, {
  name: "Orthanc: permission to retrieve covers what Orthanc's metadata refer to, and nothing else",
  async fn() {
    await using orthanc = await Orthanc.start();
    const file = {
      sopClassUid: CT_IMAGE,
      sopInstanceUid: newUid(),
      seriesInstanceUid: newUid(),
      studyInstanceUid: newUid(),
      instanceNumber: 1,
      patientId: "PERMISSIONS",
      modality: "CT",
      rows: 32,
      columns: 32,
    };
    await orthanc.upload(dicomFile(file));
    const rights = ["query", "retrieve"];
    const keys = rights.map((right) => [right, `sha256:${sha256(keyOf(right))}`]);
    await using gateway = await startGateway({
      Authentication: { ApiKeys: { Header: "X-API-Key", Keys: Object.fromEntries(keys) } },
      Permissions: rights.map((right) => ({ Subjects: [`key:${right}`], Transactions: [right] })),
      Servers: { main: { Url: orthanc.dicomWebUrl, ProviderType: "none", Profile: "orthanc" } },
    });
    const base = `${gateway.url}/dicom-web/main`;
    const ask = async (right: string, url: string, accept = "*/*") => {
      const response = await fetch(url, { headers: { "x-api-key": keyOf(right), accept } });
      return { status: response.status, body: await response.bytes() };
    };
    const { studyInstanceUid: study, seriesInstanceUid: series, sopInstanceUid: instance } = file;
    const path = `${base}/studies/${study}/series/${series}/instances/${instance}`;
    const metadata = await ask("retrieve", `${path}/metadata`, "application/dicom+json");
    const uris = [
      ...new TextDecoder().decode(metadata.body).matchAll(/"BulkDataURI"\s*:\s*"([^"]+)"/g),
    ].map(([, uri]) => uri!);
    assert.ok(uris.length > 0, "Orthanc refers to no bulk data");
    const parameters = `studyUID=${study}&seriesUID=${series}&objectUID=${instance}`;
    const retrievals = [
      ...uris,
      path,
      `${path}/frames/1`,
      `${base}/wado?requestType=WADO&${parameters}&contentType=application/dicom`,
    ];
    for (const url of retrievals) {
      const { status, body } = await ask("retrieve", url);
      assert.equal(status, 200, url);
      assert.ok(body.length > 100, url);
      assert.equal((await ask("query", url)).status, 403, url);
    }
    const others = [
      `${base}/servers`,
      `${base}/servers?requestType=WADO&${parameters}`,
      `${base}/studies?PatientID=PERMISSIONS`,
    ];
    for (const url of others) assert.equal((await ask("retrieve", url)).status, 403, url);
    assert.equal((await ask("query", others[2]!)).status, 200);
  },
}));
