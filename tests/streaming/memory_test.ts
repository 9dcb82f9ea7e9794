/**
 * Bodies of any size pass through the gateway without filling its memory.
 */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { within } from "../fixtures/deadline.ts";
import { startGateway } from "../fixtures/gateway_process.ts";
import { memoryRise } from "../fixtures/memory_watch.ts";
import { RawClient } from "../fixtures/raw_client.ts";
import { type RawExchange, startRawOrigin } from "../fixtures/raw_origin.ts";
import { noteIn, reportWith } from "../fixtures/stow_request.ts";

const MIB = 1024 * 1024;
const GIB_PIECES = 4096;
const PIECE = crypto.getRandomValues(new Uint8Array(64 * 1024));
const BLOCK = new Uint8Array(256 * 1024).map((_, at) => PIECE[at % PIECE.length] ?? 0);
const GIB = GIB_PIECES * BLOCK.length;
const SLOW_READERS = 20;
const SLOW_READ_MS = 5_000;
const LIMIT_MS = 60_000;

/** A store that returns and accepts instances of 1 GiB. */
async function storeOfGibibytes(exchange: RawExchange): Promise<void> {
  if (exchange.method === "GET") {
    await exchange.writeHead(200, {
      "content-type": 'multipart/related; type="application/dicom"; boundary=b',
      "content-length": String(GIB),
    });
    for (let count = 0; count < GIB_PIECES; count++) await exchange.write(BLOCK);
  } else {
    const { bytes, sha256 } = await digest(exchange.body());
    await exchange.answer(200, reportWith(`${bytes} ${sha256}`));
  }
}

/** Forwarded chunks are garbage: V8 collects them before they exceed 64 MiB. */
const PASSING_LIMIT = 128 * MIB;

Deno.test("1 GiB in each direction raises resident memory by a bounded amount", async (t) => {
  const origin = startRawOrigin(storeOfGibibytes);
  await using gateway = await startGateway({
    Servers: { main: { Url: origin.url, ProviderType: "none" } },
  });
  await warmUp(`${gateway.url}/dicom-web/main`);
  const whole = digestOfGibibyte();

  await t.step("from the store", async () => {
    const rise = await memoryRise(gateway, async () => {
      using client = await RawClient.connect(gateway.url);
      await client.write(client.head("GET", "/dicom-web/main/studies/1.2.3"));
      const answer = await client.answer();
      assert.equal(answer.headers.get("content-length"), String(GIB));
      const { bytes, sha256 } = await within(LIMIT_MS, "1 GiB", digest(answer.body));
      assert.deepEqual([bytes, sha256], [GIB, whole]);
    });
    assertBelow(rise, PASSING_LIMIT);
  });

  await t.step("to the store", async () => {
    const rise = await memoryRise(gateway, async () => {
      using client = await RawClient.connect(gateway.url);
      await client.write(
        client.head("POST", "/dicom-web/main/studies", { "content-length": String(GIB) }),
      );
      const sent = (async () => {
        for (let count = 0; count < GIB_PIECES; count++) await client.write(BLOCK);
      })();
      await within(LIMIT_MS, "1 GiB", sent);
      const { text } = await client.answerText();
      assert.equal(noteIn(text), `${GIB} ${whole}`);
    });
    assertBelow(rise, PASSING_LIMIT);
  });
  await origin.close();
});

Deno.test("20 slow readers at once raise resident memory by less than 128 MiB", async () => {
  const origin = startRawOrigin(storeOfGibibytes);
  await using gateway = await startGateway({
    Servers: { main: { Url: origin.url, ProviderType: "none" } },
  });
  await warmUp(`${gateway.url}/dicom-web/main`);

  const rise = await memoryRise(gateway, async () => {
    const reads = Array.from({ length: SLOW_READERS }, () => readSlowly(gateway.url));
    for (const bytes of await within(LIMIT_MS, "slow readers", Promise.all(reads))) {
      assert.ok(bytes > 0);
    }
  });
  assertBelow(rise, 128 * MIB);
  assert.ok(origin.exchanges >= SLOW_READERS);
  await origin.close();
});

/** Reads 64 KiB every 50 ms, then disconnects. */
async function readSlowly(url: string): Promise<number> {
  using client = await RawClient.connect(url);
  await client.write(client.head("GET", "/dicom-web/main/studies/1.2.3"));
  const answer = await client.answer();
  const end = Date.now() + SLOW_READ_MS;
  let bytes = 0;
  while (Date.now() < end) {
    const { value, done } = await answer.body.next();
    if (done) throw new Error("the answer ended early");
    bytes += value.length;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return bytes;
}

/** Small uploads, which load everything that is loaded once. */
async function warmUp(dicomWebUrl: string): Promise<void> {
  for (let count = 0; count < 50; count++) {
    const response = await fetch(`${dicomWebUrl}/studies`, { method: "POST", body: PIECE });
    assert.equal(response.status, 200);
    await response.body?.cancel();
  }
}

function assertBelow(rise: number, limit: number): void {
  assert.ok(rise < limit, `resident memory rose by ${Math.round(rise / MIB)} MiB`);
}

async function digest(
  pieces: AsyncIterable<Uint8Array>,
): Promise<{ bytes: number; sha256: string }> {
  const hash = createHash("sha256");
  let bytes = 0;
  for await (const piece of pieces) {
    hash.update(piece);
    bytes += piece.length;
  }
  return { bytes, sha256: hash.digest("hex") };
}

function digestOfGibibyte(): string {
  const hash = createHash("sha256");
  for (let count = 0; count < GIB_PIECES; count++) hash.update(BLOCK);
  return hash.digest("hex");
}
