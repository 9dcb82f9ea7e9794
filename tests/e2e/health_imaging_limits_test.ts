/**
 * A study with more instances than HealthImaging lists in one search, through the gateway at a fake
 * that enforces the documented limits, scaled down.
 */
import assert from "node:assert/strict";
import { readInstance } from "../../src/demo/instance_archive.ts";
import { boundaryOf, readMultipart } from "../../src/dicomweb/multipart/multipart_reader.ts";
import { dicomFile } from "../fixtures/dicom_file.ts";
import { startGateway } from "../fixtures/gateway_process.ts";
import { startHealthImagingStore } from "../fixtures/vendor_stores/health_imaging.ts";

const KEY = { accessKeyId: "AKIDEXAMPLE00000", secretAccessKey: "wJalrXUtnFEMI/K7MDENG" };
const STUDY = "1.2";
/** Instances of the study's two series: one has more than are listed, the other fewer. */
const SERIES = { "1.2.3": 45, "1.2.4": 12 };
const LIMITS = { maxResults: 30, pageSize: 7 };

for (const beyond of ["list", 204, 400] as const) {
  Deno.test(`A study with more instances than HealthImaging lists is retrieved completely, and a search for them reports its limit (${beyond} beyond)`, async () => {
    await using store = startHealthImagingStore({
      region: "eu-west-1",
      keys: new Map([[KEY.accessKeyId, KEY]]),
      maxBytes: 1_000_000,
      ...LIMITS,
      beyond,
    });
    const uids: string[] = [];
    for (const [seriesInstanceUid, count] of Object.entries(SERIES)) {
      for (let instanceNumber = 1; instanceNumber <= count; instanceNumber++) {
        const sopInstanceUid = `${seriesInstanceUid}.${instanceNumber}`;
        uids.push(sopInstanceUid);
        store.archive.add(readInstance(dicomFile({
          sopInstanceUid,
          seriesInstanceUid,
          studyInstanceUid: STUDY,
          instanceNumber,
        })));
      }
    }
    await using gateway = await startGateway({
      Servers: {
        main: {
          Url: store.url,
          ProviderType: "aws",
          Region: "eu-west-1",
          AccessKeyId: KEY.accessKeyId,
          SecretAccessKey: KEY.secretAccessKey,
          Profile: "aws",
          Rules: { SearchPageSize: 20, SearchMaxResults: LIMITS.maxResults },
        },
      },
    });
    const base = `${gateway.url}/dicom-web/main/studies/${STUDY}`;

    const study = await fetch(base, {
      headers: { accept: 'multipart/related; type="application/dicom"' },
    });
    assert.equal(study.status, 200);
    const seen: string[] = [];
    for await (
      const part of readMultipart(study.body!, boundaryOf(study.headers.get("content-type")))
    ) {
      seen.push(readInstance(await new Response(part.body).bytes()).instance);
    }
    assert.deepEqual(seen.sort(), uids.sort());

    const metadata = await fetch(`${base}/metadata`, {
      headers: { accept: "application/dicom+json" },
    });
    assert.equal(metadata.status, 200);
    const described = await metadata.json();
    assert.deepEqual(
      described.map((each: Record<string, { Value: string[] }>) => each["00080018"]!.Value[0])
        .sort(),
      uids,
    );

    const search = async (query: string) => {
      const response = await fetch(`${base}/series/1.2.3/instances?${query}`);
      return { warning: response.headers.get("warning"), count: (await response.json()).length };
    };
    const capped = await search("limit=100");
    assert.equal(capped.count, LIMITS.maxResults);
    assert.match(capped.warning!, /lists 30 results of a search at most/);
    assert.deepEqual(await search("limit=5"), {
      count: 5,
      warning:
        `299 ${gateway.url}/dicom-web/main: There are 40 additional results that can be requested`,
    });
    const zip = await fetch(base, { headers: { accept: "application/zip" } });
    assert.equal(zip.status, 406);
    assert.equal((await zip.json()).error_code, "NET-005");
  });
}
