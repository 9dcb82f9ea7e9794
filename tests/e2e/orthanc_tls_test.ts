/**
 * The main job with a gateway that listens with TLS: Orthanc's libcurl then uses HTTP/2 if its
 * build can, and its chunked uploads become uploads without a length.
 */
import assert from "node:assert/strict";
import { CertificateAuthority } from "../fixtures/certificate_authority.ts";
import { dicomFile, MULTI_FRAME_WORD, newUid } from "../fixtures/dicom_file.ts";
import { startGateway } from "../fixtures/gateway_process.ts";
import { needing, ORTHANC } from "../fixtures/installed_tool.ts";
import { Orthanc, type OrthancJob, type OrthancPeer } from "../fixtures/orthanc.ts";
import { sha256 } from "../fixtures/seeded_bytes.ts";

/** About 40 MB. */
const INSTANCE = {
  sopClassUid: MULTI_FRAME_WORD,
  sopInstanceUid: newUid(),
  seriesInstanceUid: newUid(),
  studyInstanceUid: newUid(),
  instanceNumber: 1,
  patientId: "TLS-1",
  modality: "OT",
  rows: 512,
  columns: 512,
  frames: 80,
};

Deno.test(needing(ORTHANC, {
  name: "Orthanc stores, queries and retrieves through a gateway that listens with TLS",
  async fn(t) {
    await using authority = await CertificateAuthority.create();
    const directory = await Deno.makeTempDir({ prefix: "dicomweb-gateway-tls-" });
    const { certificatePem, keyPem } = await authority.issue({
      commonName: "gateway",
      purpose: "server",
    });
    const files = { authority: `${directory}/ca.crt`, certificate: `${directory}/tls.crt` };
    await Deno.writeTextFile(files.authority, authority.certificatePem);
    await Deno.writeTextFile(files.certificate, certificatePem);
    await Deno.writeTextFile(`${directory}/tls.key`, keyPem);
    await using client = await Orthanc.start({
      config: { HttpsVerifyPeers: true, HttpsCACertificates: files.authority },
    });
    await using store = await Orthanc.start();
    await using gateway = await startGateway({
      Listen: {
        Address: "127.0.0.1",
        Port: 0,
        Tls: { CertificateFile: files.certificate, KeyFile: `${directory}/tls.key` },
      },
      Servers: { main: { Url: store.dicomWebUrl, ProviderType: "none" } },
    }, { caCertificatePem: authority.certificatePem });

    const url = `${gateway.url}/dicom-web`;
    const peer: OrthancPeer = { Url: `${url}/main/`, Timeout: 60 };
    await client.setPeer("chunks", peer);
    await client.setPeer("lengths", { ...peer, ChunkedTransfers: false });
    await client.setPeer("nobody", { ...peer, Url: `${url}/nobody/` });
    const file = dicomFile(INSTANCE);
    const hashes = new Map([[INSTANCE.sopInstanceUid, sha256(file)]]);
    const study = INSTANCE.studyInstanceUid;
    await client.upload(file);

    for (const peer of ["chunks", "lengths"]) {
      await t.step(`stores (${peer})`, async () => {
        await store.clear();
        assertSuccess(await client.stow(peer, study));
        assert.deepEqual(await store.fileHashes(), hashes);
      });
    }
    await t.step("queries", async () => {
      const found = await client.qido("chunks", "/studies", { PatientID: INSTANCE.patientId });
      assert.equal((found as unknown[]).length, 1);
    });
    await t.step("receives the status of an upload that is rejected before its end", async () => {
      const job = await client.stow("nobody", study);
      // Its texts for 404; "Error in the network protocol" if it has seen only a reset.
      assert.equal(job.Content.FunctionErrorDescription, "Unknown resource");
    });
    await t.step("retrieves", async () => {
      await client.clear();
      assertSuccess(await client.retrieve("chunks", [{ Study: study }]));
      assert.deepEqual(await client.fileHashes(), hashes);
    });
    await Deno.remove(directory, { recursive: true });
  },
}));

function assertSuccess(job: OrthancJob): void {
  assert.equal(job.State, "Success", `${job.ErrorDescription}: ${JSON.stringify(job.Content)}`);
}
