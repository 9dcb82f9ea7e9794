/**
 * Uploads in batches and parallel retrievals take no more memory than their configured bounds, though the
 * store or the client is slow.
 */
import assert from "node:assert/strict";
import { within } from "../fixtures/deadline.ts";
import { startFarGateway } from "../fixtures/far_gateway.ts";
import { memoryRise } from "../fixtures/memory_watch.ts";
import { RawClient } from "../fixtures/raw_client.ts";
import { type RawExchange, startRawOrigin } from "../fixtures/raw_origin.ts";
import { inPiecesOf, instances, STOW_TYPE, stowBody } from "../fixtures/stow_request.ts";

const MIB = 1024 * 1024;
const COUNT = 300;
const LIMIT_MS = 60_000;
const BOUND_MIB = 16;
/** An instance of 1 MiB. */
const [ONE] = instances(1, 16_384 - 10);

const CONFIG = {
  server: { Rules: {} },
  config: {
    UploadMemoryMebibytes: BOUND_MIB,
    UploadDiskMebibytes: 0,
    ReadAheadMebibytes: BOUND_MIB,
  },
};

async function play(exchange: RawExchange): Promise<void> {
  const [path = ""] = exchange.target.split("?");
  if (exchange.method === "POST") {
    let length = 0;
    for await (const piece of exchange.body()) length += piece.length;
    const items = new Array(Math.floor(length / ONE!.file.length)).fill({});
    return await exchange.answer(200, JSON.stringify({ "00081199": { vr: "SQ", Value: items } }));
  }
  if (!path.endsWith("/instances")) {
    if (!path.includes("/instances/")) return await exchange.answer(404);
    const length = String(ONE!.file.length);
    await exchange.writeHead(200, {
      "content-type": "application/dicom",
      "content-length": length,
    });
    return await exchange.write(ONE!.file);
  }
  const offset = Number(/offset=(\d+)/.exec(exchange.target)?.[1] ?? 0);
  const list = Array.from({ length: offset === 0 ? COUNT : 0 }, (_, at) => ({
    "0020000E": { vr: "UI", Value: [`1.2.${at}`] },
    "00080018": { vr: "UI", Value: [ONE!.uid] },
  }));
  await exchange.answer(200, JSON.stringify(list), { "content-type": "application/dicom+json" });
}

function isBounded(rise: number): void {
  assert.ok(rise < (64 + BOUND_MIB) * MIB, `rose by ${Math.round(rise / MIB)} MiB`);
}

Deno.test("300 MB between a slow line and a slow client stay within the bounds of memory", async (t) => {
  const origin = startRawOrigin(play);
  await using far = await startFarGateway(origin.url, { ...CONFIG, bytesPerSecond: 12_000_000 });
  const upload = async (count: number) => {
    using client = await RawClient.connect(far.gateway.url);
    const headers = { "content-type": STOW_TYPE, "transfer-encoding": "chunked" };
    await client.write(client.head("POST", "/dicom-web/main/studies", headers));
    await client.writeChunked(inPiecesOf(stowBody(new Array(count).fill(ONE)), 65_524));
    const { status, text } = await client.answerText();
    assert.equal(status, 200);
    assert.equal(JSON.parse(text)["00081199"].Value.length, count);
  };
  const retrieve = async (everyMs: number) => {
    using client = await RawClient.connect(far.gateway.url);
    await client.write(client.head("GET", "/dicom-web/main/studies/1.2"));
    const { status, body } = await client.answer();
    assert.equal(status, 200);
    let length = 0;
    let rested = 0;
    for await (const piece of body) {
      length += piece.length;
      if (length < rested + 8 * MIB) continue;
      rested = length;
      await new Promise((resolve) => setTimeout(resolve, everyMs));
    }
    assert.ok(length > COUNT * ONE!.file.length);
  };
  // Loads everything that is loaded once.
  for (let count = 0; count < 5; count++) await upload(4);

  await t.step("stored", async () => {
    isBounded(await memoryRise(far.gateway, () => within(LIMIT_MS, "300 MB", upload(COUNT))));
  });
  await t.step("retrieved", async () => {
    isBounded(await memoryRise(far.gateway, () => within(LIMIT_MS, "300 MB", retrieve(50))));
  });
  await far.line.cut();
  await origin.close();
});
