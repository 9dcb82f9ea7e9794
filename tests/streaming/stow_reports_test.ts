/**
 * Responses of stores to STOW, as clients receive them: a success only if a readable report covers
 * everything that was sent, on every path through the gateway.
 */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { PROFILE_NAMES } from "../../src/dicomweb/profile/profile.ts";
import { within } from "../fixtures/deadline.ts";
import { startGateway } from "../fixtures/gateway_process.ts";
import { needing, ORTHANC } from "../fixtures/installed_tool.ts";
import { Orthanc } from "../fixtures/orthanc.ts";
import { RawClient } from "../fixtures/raw_client.ts";
import { type RawExchange, type RawHandler, startRawOrigin } from "../fixtures/raw_origin.ts";
import { BOUNDARY, instances, STOW_TYPE, stowBody } from "../fixtures/stow_request.ts";

const ALL = instances(3);
const JSON_TYPE = { "content-type": "application/dicom+json" };
const HTML = "<!doctype html><html><body><br>Log in</body></html>";

function item(uid: string, reason?: number) {
  return {
    "00081150": { vr: "UI", Value: ["1.2.840.10008.5.1.4.1.1.2"] },
    "00081155": { vr: "UI", Value: [uid] },
    ...(reason !== undefined && { "00081197": { vr: "US", Value: [reason] } }),
  };
}

function report(stored: readonly string[], failed: readonly string[] = []): string {
  return JSON.stringify({
    ...(failed.length > 0 &&
      { "00081198": { vr: "SQ", Value: failed.map((uid) => item(uid, 272)) } }),
    ...(stored.length > 0 && { "00081199": { vr: "SQ", Value: stored.map((uid) => item(uid)) } }),
  });
}

function xmlReport(stored: readonly string[]): string {
  const items = stored.map((uid, at) =>
    `<Item number="${at + 1}"><DicomAttribute tag="00081155" vr="UI"><Value number="1">${uid}` +
    "</Value></DicomAttribute></Item>"
  );
  return '<?xml version="1.0"?><NativeDicomModel><DicomAttribute tag="00081199" vr="SQ">' +
    `${items.join("")}</DicomAttribute></NativeDicomModel>`;
}

async function cut(
  exchange: RawExchange,
  body: string,
  framing: "length" | "chunks",
): Promise<void> {
  const half = body.slice(0, body.length >> 1);
  if (framing === "length") {
    await exchange.writeHead(200, { ...JSON_TYPE, "content-length": String(body.length) });
    await exchange.write(half);
  } else {
    await exchange.writeHead(200, { ...JSON_TYPE, "transfer-encoding": "chunked" });
    await exchange.write(`${half.length.toString(16)}\r\n${half}\r\n`);
  }
  exchange.close();
}

/** A response of a store to a request with these instances. */
type Answer = (exchange: RawExchange, uids: readonly string[]) => Promise<void>;

const answer = (status: number, body: (uids: readonly string[]) => string, headers = JSON_TYPE) =>
  ((exchange, uids) => exchange.answer(status, body(uids), headers)) satisfies Answer;
const html = { "content-type": "text/html" };
const xml = { "content-type": "application/dicom+xml" };

/** Responses of stores → status for the client, and its numbers of stored and failed instances, or the code. */
const ANSWERS: Record<
  string,
  [answer: Answer, status: number, expected: [number, number] | string]
> = {
  "all stored": [answer(200, (uids) => report(uids)), 200, [3, 0]],
  "all stored, in XML": [answer(200, (uids) => xmlReport(uids), xml), 200, [3, 0]],
  "one failed": [answer(202, ([first, ...rest]) => report(rest, [first!])), 202, [2, 1]],
  "one failed, with 200": [answer(200, ([first, ...rest]) => report(rest, [first!])), 202, [2, 1]],
  "all failed": [answer(409, (uids) => report([], uids)), 409, [0, 3]],
  "a report that names 1 of 3": [answer(200, ([first]) => report([first!])), 202, [1, 2]],
  "a report that names one twice": [
    answer(200, ([first, second]) => report([first!, first!, second!])),
    202,
    [3, 1],
  ],
  "a report in XML that names 1 of 3": [answer(200, ([first]) => xmlReport([first!]), xml), 202, [
    1,
    2,
  ]],
  "a login page": [answer(200, () => HTML, html), 502, "NET-009"],
  "a login page as JSON": [answer(200, () => HTML), 502, "NET-009"],
  "garbage": [answer(200, () => "\0\u0001"), 502, "NET-009"],
  "an empty body": [answer(200, () => ""), 502, "NET-009"],
  "an empty report": [answer(200, () => "{}"), 502, "NET-009"],
  "204": [(exchange) => exchange.writeHead(204), 502, "NET-009"],
  "a report that breaks off": [
    (exchange, uids) => cut(exchange, report(uids), "length"),
    502,
    "NET-002",
  ],
  "a report in chunks that breaks off": [
    (exchange, uids) => cut(exchange, report(uids), "chunks"),
    502,
    "NET-002",
  ],
  "half a report that ends regularly": [
    answer(200, (uids) => report(uids).slice(0, -40)),
    502,
    "NET-002",
  ],
};

interface Upload {
  readonly method?: string;
  readonly server?: string;
  readonly isChunked: boolean;
  readonly withLength: boolean;
}

/** Kinds of clients. */
const UPLOADS: Record<string, Upload> = {
  "with a length, as Orthanc": { isChunked: false, withLength: true },
  "with a length, parts without": { isChunked: false, withLength: false },
  "in chunks, as Orthanc": { isChunked: true, withLength: true },
  "in chunks, parts without": { isChunked: true, withLength: false },
  "by PUT": { method: "PUT", isChunked: false, withLength: true },
};

const SERVERS: Record<string, Record<string, unknown>> = {
  ...Object.fromEntries(PROFILE_NAMES.map((name) => [name, { Profile: name }])),
  watched: { Timeouts: { IdleSeconds: 20 } },
  split: { Rules: { StoreMaxInstances: 3 } },
};

async function withServers(
  use: (
    gatewayUrl: string,
    play: (answer: Answer) => void,
    received: () => Buffer[],
    playRaw: (handler: RawHandler) => void,
  ) => Promise<void>,
): Promise<void> {
  const received: Buffer[] = [];
  const origin = startRawOrigin((exchange) => exchange.answer(200));
  const Servers = Object.fromEntries(
    Object.entries(SERVERS).map(([name, more]) => [name, {
      Url: origin.url,
      ProviderType: "headers",
      Headers: { Authorization: "t" },
      ...more,
    }]),
  );
  await using gateway = await startGateway({ Servers });
  const play = (answer: Answer) =>
    origin.play(async (exchange) => {
      const body = Buffer.concat(await Array.fromAsync(exchange.body(), (piece) => piece.slice()));
      received.push(body);
      const sent = body.toString("latin1");
      const uids = ALL.map(({ uid }) => uid).filter((uid) => sent.includes(uid));
      await answer(exchange, uids);
    });
  await use(gateway.url, play, () => received.splice(0), (handler) => origin.play(handler));
  await origin.close();
}

async function upload(
  gatewayUrl: string,
  server: string,
  { method = "POST", isChunked, withLength }: Upload,
): Promise<{ status: number; text: string; body: Buffer }> {
  const body = Buffer.concat([...stowBody(ALL, { withLength })]);
  const response = await fetch(`${gatewayUrl}/dicom-web/${server}/studies`, {
    method,
    headers: { "content-type": STOW_TYPE, accept: "application/dicom+json" },
    body: isChunked ? new Blob([body]).stream() : body,
  });
  return { status: response.status, text: await response.text(), body };
}

Deno.test("A store's response to STOW is a success only if it covers what was sent", async (t) => {
  await withServers(async (url, play, received) => {
    for (const [what, [answer, status, expected]] of Object.entries(ANSWERS)) {
      for (const server of Object.keys(SERVERS)) {
        await t.step(`${what}, ${server}`, async () => {
          play(answer);
          for (const [how, way] of Object.entries(UPLOADS)) {
            const result = await within(20_000, "an answer", upload(url, server, way));
            assert.equal(result.status, status, `${how}: ${result.text}`);
            const dataset = JSON.parse(result.text);
            if (typeof expected === "string") assert.equal(dataset.error_code, expected, how);
            else {
              const count = (tag: string) => dataset[tag]?.Value.length ?? 0;
              const failed = count("00081198") + count("0008119A");
              assert.deepEqual([count("00081199"), failed], expected, how);
            }
            const [sent, ...more] = received();
            assert.equal(more.length, 0, "nothing is sent twice");
            // The end of a split request is another one.
            const end = `\r\n--${BOUNDARY}--`;
            const content = (bytes: Buffer) => bytes.subarray(0, bytes.lastIndexOf(end));
            assert.ok(content(sent!).equals(content(result.body)), `${how}: bytes at the store`);
          }
        });
      }
    }
  });
});

Deno.test("A store that does not accept chunks receives the client's Content-Length", async () => {
  const lengths: (string | null)[] = [];
  await withServers(async (url, play) => {
    play((exchange, uids) => {
      lengths.push(
        exchange.headers.get("content-length"),
        exchange.headers.get("transfer-encoding"),
      );
      return exchange.answer(200, report(uids), JSON_TYPE);
    });
    const { status, body } = await upload(url, "generic", UPLOADS["with a length, as Orthanc"]!);
    assert.deepEqual([status, ...lengths], [200, String(body.length), null]);
  });
});

Deno.test(needing(ORTHANC, {
  name: "A real Orthanc's report covers what was sent, but not for broken uploads",
  async fn(t) {
    await using orthanc = await Orthanc.start();
    const Servers = Object.fromEntries(
      ["generic", "orthanc", "split"].map((name) => [name, {
        Url: orthanc.dicomWebUrl,
        ProviderType: "headers",
        Headers: { Authorization: "t" },
        ...SERVERS[name],
      }]),
    );
    await using gateway = await startGateway({ Servers });
    for (const server of Object.keys(Servers)) {
      for (const [how, way] of Object.entries(UPLOADS)) {
        if (way.method === "PUT") continue;
        await t.step(`${server}, ${how}`, async () => {
          const { status, text } = await upload(gateway.url, server, way);
          assert.equal(status, 200, text);
          assert.equal(JSON.parse(text)["00081199"].Value.length, ALL.length);
        });
      }
      await t.step(`${server}, one invalid file of three`, async () => {
        const [first, , third] = ALL;
        const broken = { uid: "broken", file: new Uint8Array(1000) };
        const response = await fetch(`${gateway.url}/dicom-web/${server}/studies`, {
          method: "POST",
          headers: { "content-type": STOW_TYPE, accept: "application/dicom+json" },
          body: Buffer.concat([...stowBody([first!, broken, third!])]),
        });
        const text = await response.text();
        assert.notEqual(response.status, 200, text);
      });
    }
  },
}));

const BLOCK = Buffer.alloc(256 * 1024);
/** One instance of 64 MiB, more than the buffers on the way. */
const LARGE = [
  Buffer.from(`--${BOUNDARY}\r\nContent-Type: application/dicom\r\n\r\n`),
  ...new Array<Buffer>(256).fill(BLOCK),
  Buffer.from(`\r\n--${BOUNDARY}--`),
];
const LARGE_BYTES = LARGE.reduce((bytes, piece) => bytes + piece.length, 0);

function chunk(bytes: Buffer): Buffer {
  return Buffer.concat([
    Buffer.from(`${bytes.length.toString(16)}\r\n`),
    bytes,
    Buffer.from("\r\n"),
  ]);
}

/** Responses before the end of the upload. */
const EARLY: Record<string, [status: number, body: string]> = {
  "200 with a report": [200, report(ALL.map(({ uid }) => uid))],
  "200 with a login page": [200, HTML],
  "413": [413, "too much"],
};

Deno.test("A store's response before the end of the upload is no success, and a failure is passed on", async (t) => {
  await withServers(async (url, _, __, playRaw) => {
    for (const [what, [status, body]] of Object.entries(EARLY)) {
      playRaw(async (exchange) => {
        await exchange.answer(status, body, { ...JSON_TYPE, connection: "close" });
        await exchange.lingeringClose();
      });
      for (const server of Object.keys(SERVERS)) {
        for (const framing of ["content-length", "transfer-encoding"]) {
          await t.step(`${what}, ${server}, ${framing}`, async () => {
            const isChunked = framing === "transfer-encoding";
            using client = await RawClient.connect(url);
            await client.write(client.head("POST", `/dicom-web/${server}/studies`, {
              "content-type": STOW_TYPE,
              [framing]: isChunked ? "chunked" : String(LARGE_BYTES),
            }));
            const sending = (async () => {
              for (const piece of LARGE) await client.write(isChunked ? chunk(piece) : piece);
              if (isChunked) await client.write("0\r\n\r\n");
            })().catch(() => {});
            const answer = await within(20_000, "an answer", client.answer());
            assert.equal(answer.status, status === 413 ? 413 : 502);
            client[Symbol.dispose]();
            await sending;
          });
        }
      }
    }
  });
});
