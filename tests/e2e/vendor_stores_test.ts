/**
 * The main job at the vendors' stores: a real Orthanc stores, stores again, queries and retrieves
 * through the gateway at a fake of each vendor's store that enforces the documented rules.
 */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { newBoundary, writeMultipart } from "../../src/dicomweb/multipart/multipart_writer.ts";
import { CT_IMAGE, dicomFile, type DicomFileOptions, newUid } from "../fixtures/dicom_file.ts";
import { startGateway } from "../fixtures/gateway_process.ts";
import { needing, ORTHANC } from "../fixtures/installed_tool.ts";
import { type OidcProvider, startOidcProvider } from "../fixtures/oidc_provider.ts";
import { Orthanc, type OrthancJob } from "../fixtures/orthanc.ts";
import { sha256 } from "../fixtures/seeded_bytes.ts";
import { startAzureStore } from "../fixtures/vendor_stores/azure.ts";
import { startGoogleStore } from "../fixtures/vendor_stores/google.ts";
import { startHealthImagingStore } from "../fixtures/vendor_stores/health_imaging.ts";
import type { VendorRecord, VendorStore } from "../fixtures/vendor_stores/vendor_store.ts";

/** Most bytes of a request to the fakes, in place of gigabytes. */
const MAX_BYTES = 1_000_000;
const MANY = 1000;
/** More than HealthImaging accepts at once. */
const FILM = 160;
const KEY = {
  accessKeyId: "AKIDEXAMPLE00000",
  secretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
};

interface Vendor {
  readonly store: VendorStore;
  /** Settings of the server, besides its URL. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** Whether the store limits a request, so that one has to be split. */
  readonly isBounded: boolean;
  /** Whether its metadata names the URLs of pixels. */
  readonly namesBulkData?: boolean;
  /** Expected rejections: requests by which the gateway detects what the store supports. */
  readonly mayRefuse?: (record: VendorRecord) => boolean;
}

const vendors: Readonly<Record<string, (provider: OidcProvider) => Vendor>> = {
  Azure: (provider) => ({
    store: startAzureStore({ ...provider, maxBytes: MAX_BYTES }),
    settings: { ...provider.serverKeys, Profile: "azure", Rules: { StoreMaxBytes: MAX_BYTES } },
    isBounded: true,
    // The report that all instances of a request exist already.
    mayRefuse: ({ method, status }) => method === "POST" && status === 409,
  }),
  Google: (provider) => ({
    store: startGoogleStore(provider),
    settings: { ...provider.serverKeys, Profile: "google" },
    isBounded: false,
    namesBulkData: true,
  }),
  HealthImaging: () => ({
    store: startHealthImagingStore({
      region: "eu-west-1",
      keys: new Map([[KEY.accessKeyId, KEY]]),
      maxBytes: MAX_BYTES,
    }),
    settings: {
      ProviderType: "aws",
      Region: "eu-west-1",
      AccessKeyId: KEY.accessKeyId,
      SecretAccessKey: KEY.secretAccessKey,
      Profile: "aws",
      Rules: { StoreMaxBytes: MAX_BYTES },
    },
    isBounded: true,
    // There is no search for the instances of a whole study.
    mayRefuse: ({ target, status }) =>
      status === 404 && /^\/studies\/[0-9.]+\/instances\?/.test(target),
  }),
};

/** A study of one series. */
function study(count: number, size: (index: number) => number): DicomFileOptions[] {
  const shared = {
    sopClassUid: CT_IMAGE,
    studyInstanceUid: newUid(),
    seriesInstanceUid: newUid(),
    patientId: `V-${count}`,
    modality: "CT",
  };
  return Array.from({ length: count }, (_, index) => ({
    ...shared,
    sopInstanceUid: newUid(),
    instanceNumber: index + 1,
    rows: size(index),
    columns: size(index) < 100 ? 8 : 512,
  }));
}

for (const [name, startVendor] of Object.entries(vendors)) {
  Deno.test(needing(ORTHANC, {
    name: `Orthanc stores, stores again, queries and retrieves at a fake of ${name}`,
    async fn(t) {
      const provider = await startOidcProvider({
        clients: [
          { clientId: "gateway", clientSecret: "secret", authMethod: "client_secret_post" },
        ],
      });
      const { store, settings, isBounded, namesBulkData, mayRefuse } = startVendor(provider);
      await using _store = store;
      await using client = await Orthanc.start();
      const asStored = { ...settings.Rules as object, AskStored: true };
      await using gateway = await startGateway({
        Servers: {
          main: { Url: store.url, ...settings },
          stored: { Url: store.url, ...settings, Rules: asStored },
          plain: { Url: store.url, ...settings, Profile: "generic", Rules: {} },
        },
      });
      const base = `${gateway.url}/dicom-web/main`;
      const peer = { Url: `${base}/`, Timeout: 120 };
      await client.setPeer("gateway", peer);
      // Names no transfer syntax.
      const modest = { ...peer, HasWadoRsUniversalTransferSyntax: false };
      await client.setPeer("modest", { ...modest, Url: `${gateway.url}/dicom-web/stored/` });
      await client.setPeer("plain", { ...modest, Url: `${gateway.url}/dicom-web/plain/` });

      // From 200 to 500 kB each, so that a request at a limited store contains two or three.
      const images = study(20, (index) => 200 + 15 * index);
      const imageStudy = images[0]!.studyInstanceUid;
      const hashes = new Map<string, string>();
      for (const options of images) {
        const file = dicomFile(options);
        hashes.set(options.sopInstanceUid, sha256(file));
        await client.upload(file);
      }

      await t.step("stores", async () => {
        assertSuccess(await client.stow("gateway", imageStudy));
        assert.deepEqual(hashesOf(store), hashes);
        const requests = store.arrived.filter(({ method }) => method === "POST").length;
        assert(requests >= (isBounded ? 8 : 2), `${requests} requests to store`);
      });

      await t.step("stores existing instances again", async () => {
        assertSuccess(await client.stow("gateway", imageStudy));
        assert.deepEqual(hashesOf(store), hashes);
      });

      await t.step("stores partly existing instances", async () => {
        for (const { sopInstanceUid } of images.filter((_, index) => index % 3 === 0)) {
          store.archive.remove({ instance: sopInstanceUid });
        }
        assertSuccess(await client.stow("gateway", imageStudy));
        assert.deepEqual(hashesOf(store), hashes);
      });

      for (const peer of ["gateway", "modest"]) {
        await t.step(`retrieves the study (${peer})`, async () => {
          await client.clear();
          assertSuccess(await client.retrieve(peer, [{ Study: imageStudy }]));
          assert.deepEqual(await client.fileHashes(), hashes);
        });
      }

      await t.step("retrieves one instance", async () => {
        await client.clear();
        const { seriesInstanceUid: Series, sopInstanceUid: Instance } = images[7]!;
        assertSuccess(await client.retrieve("gateway", [{ Study: imageStudy, Series, Instance }]));
        assert.deepEqual([...await client.fileHashes()], [[Instance, hashes.get(Instance)]]);
      });

      const slices = study(MANY, () => 8);
      const film = study(FILM, () => 8);
      await t.step(
        `stores ${MANY} instances, and reports them by URLs of the gateway`,
        async () => {
          for (const files of [slices, film]) {
            const answer = await storeAll(base, files);
            assert.equal(answer["00081198"], undefined);
            assert.equal((answer["00081199"]?.Value as unknown[]).length, files.length);
            assertLeadBack(answer, base, files.length);
          }
        },
      );

      const { studyInstanceUid, seriesInstanceUid } = slices[0]!;
      const path = `/studies/${studyInstanceUid}/series/${seriesInstanceUid}/instances`;
      const expected = slices.map(({ sopInstanceUid }) => sopInstanceUid).sort();
      await t.step(`queries ${MANY} instances`, async () => {
        const found = await client.qido("gateway", path, { limit: `${MANY}` });
        const seen = (found as Record<string, { Value: string }>[])
          .map((each) => each["00080018"]?.Value ?? "");
        assert.deepEqual(seen.sort(), expected);

        const answer = await fetch(`${base}${path}?limit=${MANY}`);
        assert.equal(answer.status, 200);
        const results = await answer.json() as Dataset[];
        assert.deepEqual(
          results.map((each) => each["00080018"]?.Value?.[0] as string).sort(),
          expected,
        );
        assertLeadBack(results, base, MANY);
      });

      await t.step("queries missing studies", async () => {
        assert.deepEqual(await client.qido("gateway", "/studies", { PatientID: "nobody" }), []);
      });

      await t.step(`retrieves ${FILM} instances within the store's quota`, async () => {
        await client.clear();
        assertSuccess(await client.retrieve("gateway", [{ Study: film[0]!.studyInstanceUid }]));
        const wanted = new Map<string, string>();
        for (const each of film) wanted.set(each.sopInstanceUid, sha256(dicomFile(each)));
        assert.deepEqual(await client.fileHashes(), wanted);
      });

      await t.step("answers viewers in the form that they request", async () => {
        const { seriesInstanceUid, sopInstanceUid } = images[3]!;
        const series = `${base}/studies/${imageStudy}/series/${seriesInstanceUid}`;
        const stored = `${UNQUOTED}; transfer-syntax=*`;
        for (const accept of [stored, `application/octet-stream;q=0.5, ${stored}`]) {
          const one = await ask(`${series}/instances/${sopInstanceUid}`, accept);
          assert.match(
            one.headers.get("content-type")!,
            /^multipart\/related; *type="?application/,
          );
          assert.ok(contains(await one.bytes(), dicomFile(images[3]!)), accept);
        }
        const transcoded = await ask(`${series}/instances/${sopInstanceUid}`, UNQUOTED);
        assert.ok(contains(await transcoded.bytes(), new TextEncoder().encode("TRANSCODED")));
        const answer = await ask(
          `${series}/metadata`,
          'application/dicom+json, multipart/related; type="application/dicom+xml"',
        );
        const metadata = await answer.json() as Dataset[];
        assert.equal(metadata.length, images.length);
        assertLeadBack(metadata, base, 0);
        const uris = metadata.flatMap((each) => each["7FE00010"]?.BulkDataURI ?? []);
        assert.equal(uris.length, namesBulkData ? images.length : 0);
        for (const uri of uris.slice(0, 1)) {
          const [uid] = metadata[0]!["00080018"]!.Value as [string];
          const file = dicomFile(images.find((each) => each.sopInstanceUid === uid)!);
          const pixels = await (await ask(uri, "*/*")).bytes();
          assert.deepEqual(pixels, file.slice(-pixels.length));
        }
      });

      await t.step("gave the store no cause to reject a request", () => {
        const refused = store.arrived.filter((each) => each.status >= 400 && !mayRefuse?.(each));
        assert.deepEqual(refused, []);
      });

      await t.step("depends on the profile for that", async () => {
        await client.clear();
        store.archive.remove({});
        for (const options of images) await client.upload(dicomFile(options));
        const { State } = await client.stow("plain", imageStudy);
        if (State === "Success") {
          await client.clear();
          await client.retrieve("plain", [{ Study: imageStudy }]);
          assert.notDeepEqual(await client.fileHashes(), hashes);
        }
      });
      await provider.close();
    },
  }));
}

Deno.test(needing(ORTHANC, {
  name: "Orthanc learns from Google's XML that a UID exists with other content",
  async fn() {
    const provider = await startOidcProvider();
    await using store = startGoogleStore(provider);
    await using client = await Orthanc.start();
    await using gateway = await startGateway({
      Servers: { main: { Url: store.url, ...provider.serverKeys, Profile: "google" } },
    });
    const base = `${gateway.url}/dicom-web/main`;
    await client.setPeer("gateway", { Url: `${base}/` });
    const [image] = study(1, () => 8) as [DicomFileOptions];
    await storeAll(base, [image]);
    const before = hashesOf(store);

    const other = { ...image, rows: 16 };
    await client.upload(dicomFile(other));
    const job = await client.stow("gateway", image.studyInstanceUid);
    assert.equal(job.State, "Failure");
    assert.deepEqual(hashesOf(store), before);

    const answer = await storeAll(base, [other], 409);
    const [failed] = answer["00081198"]?.Value as Dataset[];
    assert.deepEqual(failed?.["00081155"]?.Value, [image.sopInstanceUid]);
    assert.deepEqual(failed?.["00081197"]?.Value, [272]);
    assert.deepEqual(failed?.["00090097"]?.Value, ["already exists"]);
    assert.equal(answer["00081199"], undefined);
    assertLeadBack(answer, base, 1);
    await provider.close();
  },
}));

interface Dataset {
  readonly [tag: string]:
    | { readonly vr: string; readonly Value?: readonly unknown[]; readonly BulkDataURI?: string }
    | undefined;
}

/** In OHIF's form. */
const UNQUOTED = "multipart/related; type=application/dicom";

async function ask(url: string, accept: string): Promise<Response> {
  const response = await fetch(url, { headers: { accept } });
  assert.equal(response.status, 200, `${url} ${response.ok ? "" : await response.text()}`);
  return response;
}

function contains(bytes: Uint8Array, part: Uint8Array): boolean {
  return Buffer.from(bytes).includes(Buffer.from(part));
}

async function storeAll(
  base: string,
  files: readonly DicomFileOptions[],
  status = 200,
): Promise<Dataset> {
  const boundary = newBoundary();
  const parts = files.map((options) => ({
    headers: { "content-type": "application/dicom" },
    body: dicomFile(options),
  }));
  const answer = await fetch(`${base}/studies`, {
    method: "POST",
    headers: { "content-type": `multipart/related; type=application/dicom; boundary=${boundary}` },
    body: writeMultipart(parts, boundary),
  });
  const text = await answer.text();
  assert.equal(answer.status, status, text);
  return JSON.parse(text);
}

function assertSuccess(job: OrthancJob): void {
  assert.equal(job.State, "Success", `${job.ErrorDescription}: ${JSON.stringify(job.Content)}`);
}

/** Each URL in a response is one of the gateway's, and there are at least as many as expected. */
function assertLeadBack(answer: unknown, base: string, atLeast: number): void {
  const urls = JSON.stringify(answer).match(/https?:[^"]+/g) ?? [];
  assert(urls.length >= atLeast, `${urls.length} URLs`);
  assert.deepEqual(urls.filter((url) => !url.startsWith(`${base}/studies/`)), []);
}

function hashesOf({ archive }: VendorStore): Map<string, string> {
  return new Map(archive.select({}).map(({ instance, file }) => [instance, sha256(file)]));
}
