/**
 * Split STOW requests pass through the gateway without filling its memory.
 */
import assert from "node:assert/strict";
import { within } from "../fixtures/deadline.ts";
import { startGateway } from "../fixtures/gateway_process.ts";
import { memoryRise } from "../fixtures/memory_watch.ts";
import { type RawExchange, startRawOrigin } from "../fixtures/raw_origin.ts";
import { RawClient } from "../fixtures/raw_client.ts";
import { BOUNDARY, bytes, inPiecesOf, instances, STOW_TYPE } from "../fixtures/stow_request.ts";

const MB = 1_000_000;
const PART_BYTES = 40 * MB;
const LIMIT_MS = 60_000;

/** The content of a 4 MiB instance. */
const FILE = instances(1, 65_536)[0]!.file;

/** Bodies of about 300 MB, and their number of instances. */
const BODIES: Record<
  string,
  { instances: number; pieces: () => Iterable<Uint8Array<ArrayBuffer>> }
> = {
  "72 instances that say how long they are": { instances: 72, pieces: () => body(72, 1, true) },
  "72 instances that do not": { instances: 72, pieces: () => body(72, 1, false) },
  "one instance": { instances: 1, pieces: () => body(1, 72, true) },
};

function* body(
  count: number,
  repeats: number,
  withLength: boolean,
): Generator<Uint8Array<ArrayBuffer>> {
  const length = withLength ? `Content-Length: ${FILE.length * repeats}\r\n` : "";
  for (let at = 0; at < count; at++) {
    yield bytes(`--${BOUNDARY}\r\nContent-Type: application/dicom\r\n${length}\r\n`);
    for (let repeat = 0; repeat < repeats; repeat++) yield FILE;
    yield bytes("\r\n");
  }
  yield bytes(`--${BOUNDARY}--`);
}

Deno.test("Splitting 300 MB raises resident memory by less than 96 MiB", async (t) => {
  let stored = 0;
  let fileBytes = FILE.length;
  const origin = startRawOrigin(async (exchange: RawExchange) => {
    let length = 0;
    for await (const piece of exchange.body()) length += piece.length;
    stored += length;
    const items = new Array(Math.floor(length / fileBytes)).fill({});
    await exchange.answer(200, JSON.stringify({ "00081199": { vr: "SQ", Value: items } }));
  });
  await using gateway = await startGateway({
    Servers: {
      main: {
        Url: origin.url,
        ProviderType: "none",
        Rules: { StoreMaxBytes: PART_BYTES, StoreConcurrency: 4 },
      },
    },
  });
  // Loads everything that is loaded once.
  for (let count = 0; count < 20; count++) await store(gateway.url, body(1, 1, true));

  for (const [what, { instances, pieces }] of Object.entries(BODIES)) {
    await t.step(what, async () => {
      stored = 0;
      fileBytes = FILE.length * 72 / instances;
      const requests = origin.exchanges;
      const rise = await memoryRise(gateway, async () => {
        const { status, items } = await within(LIMIT_MS, "300 MB", store(gateway.url, pieces()));
        assert.deepEqual([status, items], [200, instances]);
      });
      assert.ok(stored > 72 * FILE.length);
      assert.equal(origin.exchanges - requests > 1, instances > 1);
      assert.ok(rise < 96 * 1024 * 1024, `rose by ${Math.round(rise / 1024 / 1024)} MiB`);
    });
  }
  await origin.close();
});

/** Stores as Orthanc does: in chunks of 65,524 bytes. */
async function store(
  url: string,
  pieces: Iterable<Uint8Array<ArrayBuffer>>,
): Promise<{ status: number; items: number }> {
  using client = await RawClient.connect(url);
  await client.write(client.head("POST", "/dicom-web/main/studies", {
    "content-type": STOW_TYPE,
    "transfer-encoding": "chunked",
  }));
  await client.writeChunked(inPiecesOf(pieces, 65_524));
  const { status, text } = await client.answerText();
  return { status, items: JSON.parse(text)["00081199"]?.Value.length };
}
