/**
 * Uploads arrive complete, whatever their size, their framing and their division into packets. Deno 2.8.0
 * to 2.8.2 lost the end of some, 2.8.3 to 2.9.6 almost stopped on small chunks: the pinned version may
 * change once a newer one passes these tests.
 */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { within } from "../fixtures/deadline.ts";
import { startGateway } from "../fixtures/gateway_process.ts";
import { memoryRise } from "../fixtures/memory_watch.ts";
import { RawClient } from "../fixtures/raw_client.ts";
import { type RawExchange, startRawOrigin } from "../fixtures/raw_origin.ts";
import { noteIn, reportWith } from "../fixtures/stow_request.ts";
import { sha256 } from "../fixtures/seeded_bytes.ts";

const MIB = 1024 * 1024;
const UPLOAD_BYTES = 300_000_000;
const CHUNK_SIZES = [4, 8, 16, 32, 64].map((kib) => kib * 1024);
const SLOW_BYTES_PER_SECOND = 5_000_000;
const SLOW_MS = 20_000;
/** Source of bodies. */
const NOISE = noise(20_000_000);

/** Reads an upload, and answers with its size and hash. */
async function hashUpload(exchange: RawExchange): Promise<void> {
  const hash = createHash("sha256");
  let bytes = 0;
  for await (const piece of exchange.body()) {
    hash.update(piece);
    bytes += piece.length;
  }
  await exchange.answer(200, reportWith(`${bytes} ${hash.digest("hex")}`));
}

/** The same, but at first at the speed of a slow line. */
async function hashUploadSlowly(exchange: RawExchange): Promise<void> {
  const hash = createHash("sha256");
  const start = Date.now();
  let bytes = 0;
  for await (const piece of exchange.body()) {
    hash.update(piece);
    bytes += piece.length;
    const elapsedMs = Date.now() - start;
    const aheadMs = bytes / SLOW_BYTES_PER_SECOND * 1000 - elapsedMs;
    if (elapsedMs < SLOW_MS && aheadMs > 5) await delay(aheadMs);
  }
  await exchange.answer(200, reportWith(`${bytes} ${hash.digest("hex")}`));
}

Deno.test("Uploads with Content-Length arrive complete, from 10 bytes to 20 MB, however packets divide them", async (t) => {
  const origin = startRawOrigin(hashUpload);
  await using gateway = await startGateway({
    Servers: { main: { Url: origin.url, ProviderType: "none" } },
  });
  const ways: Record<string, (client: RawClient, head: string, body: Uint8Array) => Promise<void>> =
    {
      "all at once": (client, head, body) => client.write(concat(head, body)),
      "the first bytes with the headers": async (client, head, body) => {
        await client.write(concat(head, body.subarray(0, 500)));
        await delay(5);
        await client.write(body.subarray(500));
      },
      "the headers alone": async (client, head, body) => {
        await client.write(head);
        await delay(5);
        await client.write(body);
      },
    };
  for (const [way, send] of Object.entries(ways)) {
    await t.step(way, async () => {
      for (const size of [10, 419, 1_000, 8_192, 65_536, 65_537, 1_000_000, 20_000_000]) {
        using client = await RawClient.connect(gateway.url);
        const body = NOISE.subarray(0, size);
        const head = client.head("POST", "/dicom-web/main/studies", {
          "content-type": "application/dicom",
          "content-length": String(size),
        });
        const arrived = within(
          60_000,
          `${size} bytes`,
          send(client, head, body).then(() => read(client)),
        );
        assert.equal(await arrived, `${size} ${sha256(body)}`);
      }
    });
  }
  await origin.close();
});

Deno.test("Chunked uploads arrive complete at a fast store, in chunks of 4 to 64 KiB", async (t) => {
  const origin = startRawOrigin(hashUpload);
  await using gateway = await startGateway({
    Servers: { main: { Url: origin.url, ProviderType: "none" } },
  });
  for (const chunkBytes of CHUNK_SIZES) {
    await t.step(`${chunkBytes / 1024} KiB`, async () => {
      const rise = await memoryRise(
        gateway,
        () => within(60_000, "upload", uploadInChunks(gateway.url, chunkBytes)),
      );
      assert.ok(rise < 128 * MIB, `resident memory rose by ${Math.round(rise / MIB)} MiB`);
    });
  }
  await origin.close();
});

Deno.test("Chunked uploads arrive complete at a store that reads 5 MB/s for 20 s, without filling memory", async () => {
  const origin = startRawOrigin(hashUploadSlowly);
  await using gateway = await startGateway({
    Servers: { main: { Url: origin.url, ProviderType: "none" } },
  });
  const rise = await memoryRise(gateway, () =>
    within(
      120_000,
      "uploads",
      Promise.all(CHUNK_SIZES.map((bytes) => uploadInChunks(gateway.url, bytes))),
    ));
  assert.ok(rise < 128 * MIB, `resident memory rose by ${Math.round(rise / MIB)} MiB`);
  await origin.close();
});

/** Sends 300 MB with one write per chunk, and checks what arrived. */
async function uploadInChunks(url: string, chunkBytes: number): Promise<void> {
  using client = await RawClient.connect(url);
  const hash = createHash("sha256");
  await client.write(
    client.head("POST", "/dicom-web/main/studies", {
      "content-type": "application/dicom",
      "transfer-encoding": "chunked",
    }),
  );
  let sent = 0;
  let at = 0;
  while (sent < UPLOAD_BYTES) {
    const size = Math.min(chunkBytes, UPLOAD_BYTES - sent);
    if (at + size > NOISE.length) at = sent % 4096;
    const chunk = NOISE.subarray(at, at + size);
    at += size;
    sent += size;
    hash.update(chunk);
    await client.write(concat(`${size.toString(16)}\r\n`, chunk, "\r\n"));
  }
  await client.write("0\r\n\r\n");
  assert.equal(await read(client), `${UPLOAD_BYTES} ${hash.digest("hex")}`);
}

async function read(client: RawClient): Promise<string> {
  const { status, text } = await client.answerText();
  assert.equal(status, 200, text);
  return noteIn(text);
}

function concat(...parts: (string | Uint8Array)[]): Uint8Array {
  const bytes = parts.map((part) =>
    typeof part === "string" ? new TextEncoder().encode(part) : part
  );
  const all = new Uint8Array(bytes.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of bytes) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

function noise(bytes: number): Uint8Array {
  const all = new Uint8Array(bytes);
  for (let at = 0; at < bytes; at += 65_536) {
    crypto.getRandomValues(all.subarray(at, at + 65_536));
  }
  return all;
}

function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
