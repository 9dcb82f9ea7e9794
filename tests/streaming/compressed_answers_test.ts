/**
 * Compressed responses through the gateway: real clients decode them to what a client without gzip
 * receives, and one that breaks off at the store never ends regularly at the client.
 */
import assert from "node:assert/strict";
import { gzipSync } from "node:zlib";
import { within } from "../fixtures/deadline.ts";
import { CT_IMAGE, dicomFile, newUid } from "../fixtures/dicom_file.ts";
import { startGateway } from "../fixtures/gateway_process.ts";
import { needing, NODE, ORTHANC } from "../fixtures/installed_tool.ts";
import { Orthanc } from "../fixtures/orthanc.ts";
import { RawClient } from "../fixtures/raw_client.ts";
import { type RawExchange, startRawOrigin } from "../fixtures/raw_origin.ts";
import { runProgram } from "../fixtures/run_program.ts";
import { seededBytes, sha256 } from "../fixtures/seeded_bytes.ts";

const LIMIT_MS = 20_000;
const JSON_TYPE = "application/dicom+json";
const METADATA = "/dicom-web/main/studies/1.2.3/metadata";

/** JSON that gzip halves at best. */
const LONG = JSON.stringify(
  Array.from({ length: 40 }, (_, seed) => seededBytes(seed + 1, 6_000).toHex()),
);

const chunkOf = (text: string) => `${text.length.toString(16)}\r\n${text}\r\n`;

/** How a store breaks off, with what its response says of the coding. */
const CUTS: Record<string, (exchange: RawExchange) => Promise<void>> = {
  "chunked, at the beginning": async (exchange) => {
    await exchange.writeHead(200, { "content-type": JSON_TYPE, "transfer-encoding": "chunked" });
    await exchange.write(chunkOf(LONG.slice(0, 2_000)));
  },
  "chunked, after pieces for the client": async (exchange) => {
    await exchange.writeHead(200, { "content-type": JSON_TYPE, "transfer-encoding": "chunked" });
    await exchange.write(chunkOf(LONG.slice(0, 400_000)));
  },
  "with Content-Length": async (exchange) => {
    const length = { "content-length": String(LONG.length) };
    await exchange.writeHead(200, { "content-type": JSON_TYPE, ...length });
    await exchange.write(LONG.slice(0, -1));
  },
  "without any framing": async (exchange) => {
    await exchange.writeHead(200, { "content-type": JSON_TYPE });
    await exchange.write(LONG.slice(0, -1));
  },
  "compressed, chunked": async (exchange) => {
    const bytes = gzipSync(LONG);
    await exchange.writeHead(200, {
      "content-type": JSON_TYPE,
      "content-encoding": "gzip",
      "transfer-encoding": "chunked",
    });
    await exchange.write(`${bytes.length.toString(16)}\r\n`);
    await exchange.write(bytes.subarray(0, -4));
  },
  "compressed, without any framing": async (exchange) => {
    await exchange.writeHead(200, { "content-type": JSON_TYPE, "content-encoding": "gzip" });
    await exchange.write(gzipSync(LONG).subarray(0, -4));
  },
};

Deno.test("no response that the store breaks off ends regularly when it is compressed", async (t) => {
  const origin = startRawOrigin((exchange) => exchange.answer(200));
  const server = { Url: origin.url, ProviderType: "none", Compression: true };
  await using gateway = await startGateway({
    Servers: {
      main: server,
      "as-it-is": { ...server, Rules: { RewriteUrls: false } },
      watched: { ...server, Timeouts: { IdleSeconds: 30 } },
    },
  });
  const request = { accept: JSON_TYPE, "accept-encoding": "gzip" };
  for (const name of ["main", "as-it-is", "watched"]) {
    const path = METADATA.replace("main", name);
    for (const [how, cut] of Object.entries(CUTS)) {
      await t.step(`${name}: ${how}`, async () => {
        origin.play(async (exchange) => {
          await cut(exchange);
          exchange.close();
        });
        using client = await RawClient.connect(gateway.url);
        await client.write(client.head("GET", path, request));
        const read = async () => {
          const { status, body } = await client.answer();
          for await (const _ of body);
          return status;
        };
        const outcome = await within(LIMIT_MS, "the end", read().catch(() => "broken off"));
        assert.ok(outcome === 502 || outcome === "broken off", `it ended with ${outcome}`);
      });
    }
    await t.step(`${name}: whole`, async () => {
      for (const bytes of [LONG, gzipSync(LONG)]) {
        const coding = typeof bytes === "string" ? {} : { "content-encoding": "gzip" };
        origin.play(async (exchange) => {
          const length = { "content-length": String(bytes.length) };
          await exchange.writeHead(200, { "content-type": JSON_TYPE, ...coding, ...length });
          await exchange.write(bytes);
        });
        const response = await fetch(gateway.url + path, { headers: request });
        assert.equal(await response.text(), LONG);
      }
    });
  }
  await origin.close();
});

Deno.test("a chunk of a slow search reaches a client that accepts gzip before the next is sent", async () => {
  const { promise: received, resolve } = Promise.withResolvers<void>();
  const origin = startRawOrigin(async (exchange) => {
    await exchange.writeHead(200, { "content-type": JSON_TYPE, "transfer-encoding": "chunked" });
    await exchange.write(chunkOf('[{"00080060":{"vr":"CS"}},'.padEnd(40_000)));
    await received;
    await exchange.write(`${chunkOf("{}]")}0\r\n\r\n`);
  });
  await using gateway = await startGateway({
    Servers: { main: { Url: origin.url, ProviderType: "none" } },
  });
  const response = await within(
    LIMIT_MS,
    "the head",
    fetch(`${gateway.url}/dicom-web/main/studies`, { headers: { "accept-encoding": "gzip" } }),
  );
  let text = "";
  for await (const piece of response.body!.pipeThrough(new TextDecoderStream())) {
    text += piece;
    if (text.includes("CS")) resolve();
  }
  assert.equal(JSON.parse(text).length, 2);
  await origin.close();
});

const PYTHON = `
import gzip, sys, urllib.request
request = urllib.request.Request(sys.argv[1], headers={"Accept-Encoding": "gzip"})
with urllib.request.urlopen(request) as response:
    assert response.headers["Content-Encoding"] == "gzip", response.headers
    sys.stdout.write(gzip.decompress(response.read()).decode())
`;
const NODE_PROGRAM = `
fetch(process.argv[1]).then((response) => response.text()).then((text) => process.stdout.write(text));
`;

/** Programs that write what they decode. */
const CLIENTS: Record<string, (url: string) => [program: string, ...args: string[]]> = {
  curl: (url) => ["curl", "-sS", "--fail", "--compressed", url],
  Python: (url) => ["python3", "-c", PYTHON, url],
  "Node.js": (url) => [NODE.path, "-e", NODE_PROGRAM, url],
};

for (const compression of [false, true]) {
  Deno.test(needing(
    NODE,
    needing(ORTHANC, {
      name: `curl, Python and Node.js decode what an Orthanc that ${
        compression ? "compresses" : "does not compress"
      } answers`,
      async fn(t) {
        await using orthanc = await Orthanc.start();
        const study = newUid();
        const seriesInstanceUid = newUid();
        for (let instanceNumber = 1; instanceNumber <= 30; instanceNumber++) {
          await orthanc.upload(dicomFile({
            sopClassUid: CT_IMAGE,
            sopInstanceUid: newUid(),
            seriesInstanceUid,
            studyInstanceUid: study,
            instanceNumber,
            patientId: "P",
            modality: "CT",
            rows: 16,
            columns: 16,
          }));
        }
        await using gateway = await startGateway({
          Servers: {
            main: { Url: orthanc.dicomWebUrl, ProviderType: "none", Compression: compression },
            "as-it-is": {
              Url: orthanc.dicomWebUrl,
              ProviderType: "none",
              Compression: compression,
              Rules: { RewriteUrls: false },
            },
          },
        });
        for (const server of ["main", "as-it-is"]) {
          for (const target of [`studies/${study}/metadata`, "studies", "studies/1.2/metadata"]) {
            const url = `${gateway.url}/dicom-web/${server}/${target}`;
            const plain = await fetch(url, { headers: { "accept-encoding": "identity" } });
            const text = await plain.text();
            for (const [name, command] of Object.entries(CLIENTS)) {
              // Small answers and errors are not compressed, which only Python's program distinguishes.
              if (!target.includes(study) && name !== "Node.js") continue;
              await t.step(`${name}: ${server}/${target.replace(study, "…")}`, async () => {
                const [program, ...args] = command(url);
                const { stdout, stderr } = await runProgram(program, args);
                assert.equal(stderr, "");
                assert.equal(sha256(stdout), sha256(text));
              });
            }
          }
        }
      },
    }),
  ));
}
