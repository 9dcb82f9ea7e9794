/**
 * Parallel retrieval through a faulty line from a faulty store, by the whole gateway: complete, or visibly
 * failed.
 */
import assert from "node:assert/strict";
import { Hono } from "hono";
import { addTransactions, BASE_PATH } from "../../src/demo/dicomweb_store.ts";
import { InstanceArchive, readInstance } from "../../src/demo/instance_archive.ts";
import { Problem } from "../../src/demo/problem.ts";
import { boundaryOf, readMultipart } from "../../src/dicomweb/multipart/multipart_reader.ts";
import { within } from "../fixtures/deadline.ts";
import { dicomFile } from "../fixtures/dicom_file.ts";
import type { LineFault } from "../fixtures/far_line/far_line.ts";
import { type FarGateway, startFarGateway, storeAt } from "../fixtures/far_gateway.ts";
import { startGateway } from "../fixtures/gateway_process.ts";
import { needing } from "../fixtures/installed_tool.ts";
import { instances } from "../fixtures/stow_request.ts";
import { CertificateAuthority, OPENSSL } from "../fixtures/certificate_authority.ts";
import { serveLoopback } from "../fixtures/listening.ts";
import { seededBytes, sha256 } from "../fixtures/seeded_bytes.ts";

const STUDY = "1.2.9";
const COUNT = 30;
const LIMIT_MS = 20_000;

type Answer = (
  request: { readonly target: string; readonly archive: InstanceArchive },
) => Response | undefined;

/** A store with a study of two series in memory, and a gateway before it. */
async function withStudy(
  use: (far: FarGateway, store: { answer: Answer; readonly targets: string[] }) => Promise<void>,
): Promise<void> {
  const archive = new InstanceArchive(Infinity);
  for (let at = 0; at < COUNT; at++) {
    archive.add(readInstance(dicomFile({
      studyInstanceUid: STUDY,
      seriesInstanceUid: `1.2.9.${at % 2}`,
      sopInstanceUid: `1.2.9.${at % 2}.${at}`,
      instanceNumber: at,
      rows: 300 + 40 * at,
      columns: 32,
    })));
  }
  const store = { answer: (() => undefined) as Answer, targets: [] as string[] };
  const service = new Hono().basePath(BASE_PATH);
  service.use(async (c, next) => {
    const { pathname, search } = new URL(c.req.url);
    const target = pathname.slice(BASE_PATH.length) + search;
    store.targets.push(target);
    const instead = store.answer({ target, archive });
    if (instead !== undefined) return instead;
    await next();
  });
  addTransactions(service, archive);
  service.onError((error) => {
    if (error instanceof Problem) return error.toResponse();
    throw error;
  });
  await using server = serveLoopback((request) => service.fetch(request));
  await using far = await startFarGateway(`${server.url}${BASE_PATH}`);
  await use(far, store);
}

interface Retrieved {
  readonly status: number;
  /** SHA-256 of each instance, in the order of the response. */
  readonly hashes: readonly string[];
  readonly failure?: unknown;
}

async function retrieve(
  base: string,
  below = "",
  study = STUDY,
): Promise<Retrieved> {
  const hashes: string[] = [];
  let response: Response;
  try {
    response = await fetch(`${base}/studies/${study}${below}`, { headers: { accept: "*/*" } });
  } catch (failure) {
    // The runtime may close the connection before it has sent the head of a body that fails.
    return { status: 200, hashes, failure };
  }
  const { status, headers, body } = response;
  if (status !== 200) {
    await body?.cancel();
    return { status, hashes };
  }
  try {
    for await (const part of readMultipart(body!, boundaryOf(headers.get("content-type")))) {
      hashes.push(sha256(await new Response(part.body).bytes()));
    }
  } catch (failure) {
    return { status, hashes, failure };
  }
  return { status, hashes };
}

const GET_INSTANCE = /\/instances\/[\d.]+$/;

Deno.test("Parallel retrieval has byte for byte the instances of one request, in the order of the search", async () => {
  await withStudy(async (far, { targets }) => {
    for (const below of ["", "/series/1.2.9.1"]) {
      targets.length = 0;
      const parallel = await within(LIMIT_MS, "an answer", retrieve(far.base, below));
      const gets = targets.filter((target) => GET_INSTANCE.test(target));
      // A range is about one response.
      const response = await fetch(`${far.base}/studies/${STUDY}${below}`, {
        headers: { accept: "*/*", "if-range": '"x"' },
      });
      const whole: string[] = [];
      for await (
        const { body } of readMultipart(
          response.body!,
          boundaryOf(response.headers.get("content-type")),
        )
      ) whole.push(sha256(await new Response(body).bytes()));
      assert.equal(parallel.failure, undefined);
      assert.equal(gets.length, below === "" ? COUNT : COUNT / 2);
      assert.deepEqual(parallel.hashes, whole);
    }
  });
});

Deno.test("Connections cut at random in mid-retrieval: the answer is complete, or breaks off visibly", async () => {
  await withStudy(async (far) => {
    const { hashes: all } = await retrieve(far.base);
    assert.equal(all.length, COUNT);
    let complete = 0;
    for (let seed = 1; seed <= 8; seed++) {
      await far.line.cut();
      const faults: LineFault[] = [...seededBytes(seed, 4)].map((byte) => ({
        direction: "down",
        afterBytes: byte * 700,
        kind: "cut",
      }));
      await far.line.failNext(faults);
      const seen = await within(LIMIT_MS, "an answer", retrieve(far.base));
      if (seen.status !== 200 || seen.failure !== undefined) continue;
      complete++;
      assert.deepEqual(seen.hashes.toSorted(), all.toSorted(), `seed ${seed}`);
    }
    assert.ok(complete > 0);
  });
});

const GONE: [what: string, answer: () => Answer][] = [
  [
    "an instance that vanishes after the search",
    () => ({ target }) =>
      target.endsWith("/1.2.9.1.21") ? new Response(null, { status: 404 }) : undefined,
  ],
  [
    "a study that is deleted while it is retrieved",
    () => {
      let seen = 0;
      return ({ target, archive }) => {
        if (GET_INSTANCE.test(target) && ++seen === 12) archive.remove({});
        return undefined;
      };
    },
  ],
];

for (const [what, answer] of GONE) {
  Deno.test(`Parallel retrieval of ${what} breaks off visibly`, async () => {
    await withStudy(async (far, store) => {
      store.answer = answer();
      const seen = await within(LIMIT_MS, "an answer", retrieve(far.base));
      assert.equal(seen.status, 200);
      assert.notEqual(seen.failure, undefined);
    });
  });
}

const LIES: [what: string, answer: Answer][] = [
  ["lists fewer instances than the study counts", ({ target }) => {
    if (!/\/instances\?/.test(target)) return undefined;
    if (target.includes("/series/1.2.9.1/")) return Response.json([]);
    return Response.json([{
      "0020000E": { vr: "UI", Value: ["1.2.9.0"] },
      "00080018": { vr: "UI", Value: ["1.2.9.0.0"] },
    }]);
  }],
  [
    "fails",
    ({ target }) => /\/instances\?/.test(target) ? new Response("no", { status: 500 }) : undefined,
  ],
  [
    "answers with HTML",
    ({ target }) =>
      /\/(instances|series)\?/.test(target)
        ? new Response("<html>", { headers: { "content-type": "text/html" } })
        : undefined,
  ],
];

for (const [what, answer] of LIES) {
  Deno.test(`A study whose search ${what} is retrieved completely`, async () => {
    await withStudy(async (far, store) => {
      store.answer = answer;
      const seen = await within(LIMIT_MS, "an answer", retrieve(far.base));
      assert.equal(seen.failure, undefined);
      assert.deepEqual([seen.status, new Set(seen.hashes).size], [200, COUNT]);
    });
  });
}

Deno.test(needing(OPENSSL, {
  name: "With Http2, batches are stored with their length, and instances retrieved in parallel",
  async fn() {
    await using authority = await CertificateAuthority.create();
    const { certificatePem: cert, keyPem: key } = await authority.issue({
      commonName: "store",
      purpose: "server",
    });
    const archive = new InstanceArchive(Infinity);
    const service = new Hono().basePath(BASE_PATH);
    const posted: (string | undefined)[] = [];
    let gets = 0;
    service.use(async (c, next) => {
      if (c.req.method === "POST") posted.push(c.req.header("content-length"));
      if (GET_INSTANCE.test(new URL(c.req.url).pathname)) gets++;
      await next();
    });
    addTransactions(service, archive);
    await using store = Deno.serve(
      { hostname: "127.0.0.1", port: 0, cert, key, onListen: () => {} },
      (request) => service.fetch(request),
    );
    const ca = await Deno.makeTempFile({ suffix: ".crt" });
    await Deno.writeTextFile(ca, authority.certificatePem);
    await using gateway = await startGateway({
      Servers: {
        main: {
          Url: `https://127.0.0.1:${store.addr.port}${BASE_PATH}`,
          ProviderType: "none",
          VerifySSL: ca,
          Http2: true,
          Distance: "far",
          Rules: { StoreBatchBytes: 8_000 },
        },
      },
    });
    await Deno.remove(ca);
    const base = `${gateway.url}/dicom-web/main`;
    const all = instances(20);
    const { status, failed } = await within(LIMIT_MS, "an answer", storeAt(base, all));
    assert.deepEqual([status, failed], [200, []]);
    assert.ok(posted.length > 1);
    assert.ok(posted.every((length) => Number(length) > 0), String(posted));
    const [stored] = archive.select({});
    const seen = await within(LIMIT_MS, "an answer", retrieve(base, "", stored!.study));
    assert.deepEqual([seen.status, seen.failure, gets], [200, undefined, all.length]);
    assert.deepEqual(seen.hashes.toSorted(), all.map(({ file }) => sha256(file)).toSorted());
  },
}));
