/**
 * dicomweb-client, the client in OHIF and other viewers, makes all its calls through the gateway at
 * a store that requires OAuth2 tokens, and contacts no other host.
 */
import assert from "node:assert/strict";
import dicomWebClient from "dicomweb-client";
import XMLHttpRequest from "xhr2";
import type { DicomJson } from "../../src/demo/dicom_json.ts";
import { readDicomFile } from "../../src/demo/dicom_reader.ts";
import { makeSyntheticStudy } from "../../src/demo/synthetic_study.ts";
import { dicomFile, MULTI_FRAME_WORD, newUid } from "../fixtures/dicom_file.ts";
import { startGateway } from "../fixtures/gateway_process.ts";
import { needing, ORTHANC } from "../fixtures/installed_tool.ts";
import { startOidcProvider } from "../fixtures/oidc_provider.ts";
import { Orthanc } from "../fixtures/orthanc.ts";
import { startTokenCheckingOrigin } from "../fixtures/token_checking_origin.ts";

interface StudyUid {
  readonly studyInstanceUID: string;
}

interface SeriesUids extends StudyUid {
  readonly seriesInstanceUID: string;
}

interface InstanceUids extends SeriesUids {
  readonly sopInstanceUID: string;
}

interface FrameUids extends InstanceUids {
  readonly frameNumbers: readonly number[];
}

interface Query {
  readonly queryParams?: Readonly<Record<string, string>>;
}

interface Wanted {
  readonly mediaTypes?: readonly { readonly mediaType: string }[];
}

/** All public calls of dicomweb-client, whose own types require options that it does not need. */
interface Client {
  storeInstances(options: Partial<StudyUid> & { datasets: ArrayBuffer[] }): Promise<string>;
  searchForStudies(options?: Query): Promise<DicomJson[]>;
  searchForSeries(options?: Partial<StudyUid> & Query): Promise<DicomJson[]>;
  searchForInstances(options?: Partial<SeriesUids> & Query): Promise<DicomJson[]>;
  retrieveStudyMetadata(options: StudyUid): Promise<DicomJson[]>;
  retrieveSeriesMetadata(options: SeriesUids): Promise<DicomJson[]>;
  retrieveInstanceMetadata(options: InstanceUids): Promise<DicomJson[]>;
  retrieveStudy(options: StudyUid): Promise<ArrayBuffer[]>;
  retrieveSeries(options: SeriesUids): Promise<ArrayBuffer[]>;
  retrieveInstance(options: InstanceUids): Promise<ArrayBuffer>;
  retrieveInstanceFrames(options: FrameUids): Promise<ArrayBuffer[]>;
  retrieveInstanceRendered(options: InstanceUids & Wanted): Promise<ArrayBuffer[]>;
  retrieveInstanceFramesRendered(options: FrameUids & Wanted): Promise<ArrayBuffer[]>;
  retrieveInstanceThumbnail(options: InstanceUids): Promise<ArrayBuffer[]>;
  retrieveInstanceFramesThumbnail(options: FrameUids): Promise<ArrayBuffer[]>;
  retrieveBulkData(options: { BulkDataURI: string }): Promise<ArrayBuffer[]>;
  buildInstanceWadoURIUrl(options: InstanceUids): string;
}

const { DICOMwebClient } = dicomWebClient.api as unknown as {
  DICOMwebClient: { prototype: object } & (new (options: Record<string, unknown>) => Client);
};

const HttpRequest = XMLHttpRequest as new () => {
  open(method: string, target: string, ...rest: unknown[]): void;
};

Deno.test(needing(ORTHANC, {
  name: "dicomweb-client makes all its calls through the gateway, and contacts no other host",
  async fn(t) {
    const provider = await startOidcProvider();
    await using orthanc = await Orthanc.start();
    await using origin = startTokenCheckingOrigin({ ...provider, orthanc });
    await using gateway = await startGateway({
      Servers: {
        main: {
          Url: origin.dicomWebUrl,
          Profile: "orthanc",
          ...provider.serverKeys,
        },
      },
    });
    const url = `${gateway.url}/dicom-web/main`;
    const opened: string[] = [];
    Object.assign(globalThis, {
      XMLHttpRequest: class extends HttpRequest {
        override open(method: string, target: string, ...rest: unknown[]): void {
          opened.push(target);
          super.open(method, target, ...rest);
        }
      },
    });
    const called = new Set<string>();
    const client = recordCalls(new DICOMwebClient({ url, verbose: false }), called);
    const answered: unknown[] = [];
    const kept = async <T>(answer: Promise<T>): Promise<T> => {
      answered.push(await answer);
      return answer;
    };

    const { studyInstanceUid, instances } = makeSyntheticStudy();
    const studyInstanceUID = studyInstanceUid;
    const seriesInstanceUID = instances[0]!.seriesInstanceUid;
    const series = { studyInstanceUID, seriesInstanceUID };
    const instance = { ...series, sopInstanceUID: instances[0]!.sopInstanceUid };
    const files = new Map(instances.map((each) => [each.sopInstanceUid, each.file]));
    const ofSeries = new Map(
      instances.filter((each) => each.seriesInstanceUid === seriesInstanceUID)
        .map((each) => [each.sopInstanceUid, each.file]),
    );
    const movie: InstanceUids = {
      studyInstanceUID: newUid(),
      seriesInstanceUID: newUid(),
      sopInstanceUID: newUid(),
    };
    const movieFile = dicomFile({
      sopClassUid: MULTI_FRAME_WORD,
      sopInstanceUid: movie.sopInstanceUID,
      seriesInstanceUid: movie.seriesInstanceUID,
      studyInstanceUid: movie.studyInstanceUID,
      patientId: "MOVIE",
      modality: "OT",
      rows: 64,
      columns: 48,
      frames: 5,
    });

    try {
      await t.step("stores", async () => {
        const stored = await kept(client.storeInstances({
          datasets: [...files.values()].map(({ buffer }) => buffer),
        }));
        assert.equal(sequenceLength(stored, "00081199"), files.size);
        await kept(client.storeInstances({
          studyInstanceUID: movie.studyInstanceUID,
          datasets: [movieFile.buffer],
        }));
        assert.equal((await orthanc.fileHashes()).size, files.size + 1);
      });

      await t.step("searches", async () => {
        const queryParams = { PatientID: "DEMO-0001" };
        const studies = await kept(client.searchForStudies({ queryParams }));
        assert.deepEqual(values(studies, "0020000D"), [studyInstanceUID]);
        assert.equal((await kept(client.searchForStudies())).length, 2);
        assert.equal((await kept(client.searchForSeries())).length, 3);
        assert.equal((await kept(client.searchForSeries({ studyInstanceUID }))).length, 2);
        assert.equal((await kept(client.searchForInstances())).length, files.size + 1);
        assert.equal(
          (await kept(client.searchForInstances({ studyInstanceUID }))).length,
          files.size,
        );
        const found = await kept(client.searchForInstances(series));
        assert.deepEqual(values(found, "00080018"), [...ofSeries.keys()].sort());
        const nobody = { queryParams: { PatientID: "nobody" } };
        assert.deepEqual(await kept(client.searchForStudies(nobody)), []);
      });

      await t.step("retrieves instances as they were stored", async () => {
        assert.deepEqual(byUid(await client.retrieveStudy({ studyInstanceUID })), files);
        assert.deepEqual(byUid(await client.retrieveSeries(series)), ofSeries);
        const one = new Map([[instance.sopInstanceUID, files.get(instance.sopInstanceUID)!]]);
        assert.deepEqual(byUid([await client.retrieveInstance(instance)]), one);
      });

      await t.step("retrieves metadata", async () => {
        const ofStudy = await kept(client.retrieveStudyMetadata({ studyInstanceUID }));
        assert.deepEqual(values(ofStudy, "00080018"), [...files.keys()].sort());
        const metadata = await kept(client.retrieveSeriesMetadata(series));
        assert.deepEqual(values(metadata, "00080018"), [...ofSeries.keys()].sort());
        const [one] = await kept(client.retrieveInstanceMetadata(instance));
        assert.deepEqual(one!["00080018"]!.Value, [instance.sopInstanceUID]);
      });

      await t.step("retrieves frames", async () => {
        const pixels = pixelData(movieFile);
        const frame = (number: number) => pixels.subarray((number - 1) * 6144, number * 6144);
        const frames = await client.retrieveInstanceFrames({ ...movie, frameNumbers: [2, 5] });
        assert.deepEqual(frames.map((each) => new Uint8Array(each)), [frame(2), frame(5)]);
      });

      await t.step("retrieves rendered images", async () => {
        const jpeg = [0xFF, 0xD8, 0xFF];
        const png = [0x89, 0x50, 0x4E];
        const start = ([image]: ArrayBuffer[]) => [...new Uint8Array(image!, 0, 3)];
        const mediaTypes = [{ mediaType: "image/png" }];
        assert.deepEqual(start(await client.retrieveInstanceRendered(instance)), jpeg);
        const { retrieveInstanceRendered, retrieveInstanceFramesRendered } = client;
        assert.deepEqual(start(await retrieveInstanceRendered({ ...instance, mediaTypes })), png);
        const second = { ...movie, frameNumbers: [2], mediaTypes };
        assert.deepEqual(start(await retrieveInstanceFramesRendered(second)), png);
      });

      await t.step("receives the store's own error for a missing resource", async () => {
        const frame = { ...instance, frameNumbers: [1] };
        await assert.rejects(client.retrieveInstanceThumbnail(instance), { status: 404 });
        await assert.rejects(client.retrieveInstanceFramesThumbnail(frame), { status: 404 });
        const refused = origin.arrived.slice(-2);
        assert.deepEqual(refused.map(({ status }) => status), [404, 404]);
        assert.match(refused[1]!.path, /\/frames\/1\/thumbnail$/);
      });

      await t.step("builds a WADO-URI that leads through the gateway", async () => {
        const uriClient = recordCalls(
          new DICOMwebClient({ url, wadoURLPrefix: "wado", verbose: false }),
          called,
        );
        const response = await fetch(uriClient.buildInstanceWadoURIUrl(instance));
        assert.deepEqual(await response.bytes(), files.get(instance.sopInstanceUID));
      });

      await t.step("follows every BulkDataURI", async () => {
        const uris = urlsIn(answered).filter(({ key }) => key === "BulkDataURI");
        const [own] = await client.retrieveInstanceMetadata(instance);
        const uri = own!["7FE00010"]!.BulkDataURI!;
        assert.ok(uris.some((each) => each.url === uri));
        const [pixels] = await client.retrieveBulkData({ BulkDataURI: uri });
        assert.deepEqual(new Uint8Array(pixels!), pixelData(instances[0]!.file));
        for (const { url } of uris) await client.retrieveBulkData({ BulkDataURI: url });
      });

      await t.step("received no URL of another host, and contacted none", () => {
        const urls = urlsIn(answered);
        for (const key of ["BulkDataURI", "00081190"]) {
          assert.ok(urls.filter((each) => each.key === key).length >= files.size, key);
        }
        const strangers = [...urls.map((each) => each.url), ...opened]
          .filter((each) => !each.startsWith(`${url}/`));
        assert.deepEqual(strangers, []);
      });

      await t.step("omitted no call", () => {
        const all = Object.getOwnPropertyNames(DICOMwebClient.prototype)
          .filter((name) => /^(search|retrieve|store|build)/.test(name));
        assert.deepEqual([...called].sort(), all.sort());
      });
    } finally {
      Reflect.deleteProperty(globalThis, "XMLHttpRequest");
      await provider.close();
    }
  },
}));

/** Wraps a client and collects the names of the called methods. */
function recordCalls(client: Client, called: Set<string>): Client {
  return new Proxy(client, {
    get(target, name) {
      called.add(String(name));
      const member = Reflect.get(target, name);
      return typeof member === "function" ? member.bind(target) : member;
    },
  });
}

function sequenceLength(json: string, tag: string): number {
  return (JSON.parse(json) as DicomJson)[tag]?.Value?.length ?? 0;
}

function values(results: readonly DicomJson[], tag: string): unknown[] {
  return results.map((each) => each[tag]?.Value?.[0]).sort();
}

function byUid(buffers: readonly ArrayBuffer[]): Map<string, Uint8Array> {
  return new Map(
    buffers.map((buffer) => {
      const file = new Uint8Array(buffer);
      const element = readDicomFile(file).dataset.get("00080018") as { bytes: Uint8Array };
      return [new TextDecoder().decode(element.bytes).replace(/\0$/, ""), file];
    }),
  );
}

function pixelData(file: Uint8Array<ArrayBuffer>): Uint8Array {
  return (readDicomFile(file).dataset.get("7FE00010") as { bytes: Uint8Array }).bytes;
}

/** Every URL in responses, at any depth. */
function urlsIn(answer: unknown, key = ""): { key: string; url: string }[] {
  if (typeof answer === "string") {
    if (key === "" && answer.startsWith("{")) return urlsIn(JSON.parse(answer));
    return /^[a-z]+:\/\/|^\//.test(answer) ? [{ key, url: answer }] : [];
  }
  if (typeof answer !== "object" || answer === null) return [];
  if (Array.isArray(answer)) return answer.flatMap((each) => urlsIn(each, key));
  return Object.entries(answer).flatMap(([name, value]) =>
    urlsIn(value, name === "Value" ? key : name)
  );
}
