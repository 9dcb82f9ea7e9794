/**
 * URLs that a real Orthanc takes and that once failed at the gateway: WADO-URI, which Orthanc has beside
 * its DICOMweb service, and long lists of UIDs.
 */
import assert from "node:assert/strict";
import { dicomFile, newUid } from "../fixtures/dicom_file.ts";
import { startGateway } from "../fixtures/gateway_process.ts";
import { needing, ORTHANC } from "../fixtures/installed_tool.ts";
import { Orthanc } from "../fixtures/orthanc.ts";
import { sha256 } from "../fixtures/seeded_bytes.ts";

Deno.test(needing(ORTHANC, {
  name: "WADO-URI and long lists of UIDs reach Orthanc through the gateway",
  async fn(t) {
    // As installed: WADO-URI is at `/wado`, beside `/dicom-web/`.
    await using store = await Orthanc.start({
      config: { DicomWeb: { Enable: true, Root: "/dicom-web/" } },
    });
    const server = { Url: store.dicomWebUrl, ProviderType: "none", Profile: "orthanc" };
    await using gateway = await startGateway({
      Servers: {
        main: { ...server, WadoUriPath: "/wado" },
        bounded: { ...server, MaxTargetLength: 8192 },
      },
    });
    const [study, series, instance] = [newUid(), newUid(), newUid()];
    const file = dicomFile({
      sopInstanceUid: instance,
      seriesInstanceUid: series,
      studyInstanceUid: study,
    });
    await store.upload(file);

    await t.step("WADO-URI is at WadoUriPath of the store", async () => {
      const query = `requestType=WADO&studyUID=${study}&seriesUID=${series}&objectUID=${instance}`;
      for (const path of ["/wado", ""]) {
        const response = await fetch(
          `${gateway.url}/dicom-web/main${path}?${query}&contentType=application/dicom`,
        );
        assert.equal(response.status, 200);
        assert.equal(sha256(await response.bytes()), sha256(file));
      }
    });

    await t.step("a search for 13,000 characters of UIDs finds the study", async () => {
      const uids = Array.from({ length: 300 }, () => newUid()).join(",").slice(0, 12_900);
      const search = `/studies?StudyInstanceUID=${study},${uids}`;
      const found = await fetch(`${gateway.url}/dicom-web/main${search}`);
      assert.equal(found.status, 200);
      const [result] = await found.json();
      assert.deepEqual(result["0020000D"].Value, [study]);
      const refused = await fetch(`${gateway.url}/dicom-web/bounded${search}`);
      assert.equal(refused.status, 414);
      assert.match((await refused.json()).detail, /MaxTargetLength of server "bounded" is 8192$/);
    });
  },
}));
