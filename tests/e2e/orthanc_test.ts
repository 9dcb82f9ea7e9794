/**
 * The main job with real parts: an Orthanc stores, queries, retrieves and deletes through the
 * gateway at a store that requires OAuth2 tokens of a certified identity provider. The store is a
 * second Orthanc behind an origin that verifies every token.
 */
import assert from "node:assert/strict";
import {
  CT_IMAGE,
  dicomFile,
  type DicomFileOptions,
  MULTI_FRAME_WORD,
  newUid,
} from "../fixtures/dicom_file.ts";
import { startGateway } from "../fixtures/gateway_process.ts";
import { needing, ORTHANC } from "../fixtures/installed_tool.ts";
import { startOidcProvider } from "../fixtures/oidc_provider.ts";
import { Orthanc, type OrthancJob, type OrthancPeer } from "../fixtures/orthanc.ts";
import { sha256 } from "../fixtures/seeded_bytes.ts";
import { startTokenCheckingOrigin } from "../fixtures/token_checking_origin.ts";

const STUDY = newUid();
const SERIES = newUid();
const LARGE_STUDY = newUid();
const PATIENT = "E2E-1";
const LARGE_BYTES = 300_000_000;

/** Ten CT instances. */
const CT_INSTANCES: readonly DicomFileOptions[] = Array.from({ length: 10 }, (_, index) => ({
  sopClassUid: CT_IMAGE,
  sopInstanceUid: newUid(),
  seriesInstanceUid: SERIES,
  studyInstanceUid: STUDY,
  instanceNumber: index + 1,
  patientId: PATIENT,
  modality: "CT",
  rows: 512,
  columns: 512,
}));

/** One instance of more than 300 MB. */
const LARGE_INSTANCE: DicomFileOptions = {
  sopClassUid: MULTI_FRAME_WORD,
  sopInstanceUid: newUid(),
  seriesInstanceUid: newUid(),
  studyInstanceUid: LARGE_STUDY,
  instanceNumber: 1,
  patientId: "E2E-2",
  modality: "OT",
  rows: 512,
  columns: 512,
  frames: 600,
};

Deno.test(needing(ORTHANC, {
  name: "Orthanc stores, queries, retrieves and deletes through the gateway",
  async fn(t) {
    const provider = await startOidcProvider({
      clients: [{ clientId: "gateway", clientSecret: "secret", authMethod: "client_secret_post" }],
      // The token is renewed after half of its lifetime at the latest, which must exceed all steps.
      accessTokenTtlSeconds: 7200,
    });
    await using client = await Orthanc.start();
    await using store = await Orthanc.start();
    await using origin = startTokenCheckingOrigin({ ...provider, orthanc: store });
    await using gateway = await startGateway({
      Servers: { main: { Url: origin.dicomWebUrl, ...provider.serverKeys } },
    });

    const peer: OrthancPeer = {
      Url: `${gateway.url}/dicom-web/main/`,
      HasDelete: true,
      Timeout: 600,
    };
    await client.setPeer("gateway", peer);
    await client.setPeer("lengths", { ...peer, ChunkedTransfers: false });
    await client.setPeer("plugin", {
      ...peer,
      Url: `${gateway.url}/oauth-dicom-web/servers/main/`,
    });

    const hashes = new Map<string, string>();
    for (const options of CT_INSTANCES) {
      const file = dicomFile(options);
      hashes.set(options.sopInstanceUid, sha256(file));
      await client.upload(file);
    }

    const sends: readonly [peer: string, header: string, value: RegExp][] = [
      ["gateway", "transfer-encoding", /^chunked$/],
      ["lengths", "content-length", /^\d{7}$/],
      ["plugin", "transfer-encoding", /^chunked$/],
    ];
    for (const [peer, header, value] of sends) {
      await t.step(`stores a study of 10 instances (${peer})`, async () => {
        await store.clear();
        assertSuccess(await client.stow(peer, STUDY));
        assert.deepEqual(await store.fileHashes(), hashes);
        const { method, path, headers } = origin.arrived.at(-1) ?? assert.fail();
        assert.deepEqual([method, path], ["POST", "/dicom-web/studies"]);
        assert.match(headers.get(header) ?? "", value);
      });
    }

    await t.step("queries", async () => {
      const found = await client.qido("gateway", "/studies", { PatientID: PATIENT });
      assert.deepEqual(values(found, "0020000D"), [STUDY]);
      const series = await client.qido("gateway", `/studies/${STUDY}/series`, { Modality: "CT" });
      assert.deepEqual(values(series, "0020000E"), [SERIES]);
      assert.deepEqual(await client.qido("gateway", "/studies", { PatientID: "nobody" }), []);
    });

    const retrievals: Record<string, () => Promise<OrthancJob>> = {
      "a study": () => client.retrieve("gateway", [{ Study: STUDY }]),
      "a series": () => client.retrieve("gateway", [{ Study: STUDY, Series: SERIES }]),
      "a study by /wado": () => client.wado("gateway", `/studies/${STUDY}`),
      "a series under the plugin's path": () =>
        client.retrieve("plugin", [{ Study: STUDY, Series: SERIES }]),
    };
    for (const [what, retrieve] of Object.entries(retrievals)) {
      await t.step(`retrieves ${what}`, async () => {
        await client.clear();
        assertSuccess(await retrieve());
        assert.deepEqual(await client.fileHashes(), hashes);
      });
    }

    await t.step("deletes", async () => {
      await client.deleteAt("gateway", STUDY);
      assert.equal((await store.fileHashes()).size, 0);
      assert.equal(origin.arrived.at(-1)?.method, "DELETE");
    });

    await t.step("stores and retrieves one instance of more than 300 MB", async () => {
      await client.clear();
      const file = dicomFile(LARGE_INSTANCE);
      assert.ok(file.length > LARGE_BYTES);
      const hash = new Map([[LARGE_INSTANCE.sopInstanceUid, sha256(file)]]);
      await client.upload(file);
      assertSuccess(await client.stow("gateway", LARGE_STUDY));
      assert.deepEqual(await store.fileHashes(), hash);
      await client.clear();
      assertSuccess(await client.retrieve("gateway", [{ Study: LARGE_STUDY }]));
      assert.deepEqual(await client.fileHashes(), hash);
    });

    await t.step("needed one token for all of it, and the store rejected nothing", () => {
      assert.equal(provider.tokenRequests(), 1);
      const refused = origin.arrived.filter(({ status }) => status >= 400);
      assert.deepEqual(refused.map(({ method, path, status }) => [method, path, status]), []);
    });
    await provider.close();
  },
}));

function assertSuccess(job: OrthancJob): void {
  assert.equal(job.State, "Success", `${job.ErrorDescription}: ${JSON.stringify(job.Content)}`);
}

/** The values of one tag in Orthanc's form of a QIDO response. */
function values(found: unknown, tag: string): (string | undefined)[] {
  return (found as Record<string, { Value?: string }>[]).map((entry) => entry[tag]?.Value);
}
