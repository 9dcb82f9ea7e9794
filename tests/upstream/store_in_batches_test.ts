/**
 * Uploads in batches: what reaches the store, what is repeated, and where batches are held.
 */
import assert from "node:assert/strict";
import { within } from "../fixtures/deadline.ts";
import { roomInMemory } from "../fixtures/holding_room.ts";
import { openFiles, untilClosed } from "../fixtures/open_files.ts";
import { RawClient } from "../fixtures/raw_client.ts";
import type { RawExchange } from "../fixtures/raw_origin.ts";
import {
  BOUNDARY,
  bytes,
  hashes,
  inPiecesOf,
  instances,
  STOW_TYPE,
  stowBody,
} from "../fixtures/stow_request.ts";
import { seededBytes } from "../fixtures/seeded_bytes.ts";
import { profiles } from "../../src/dicomweb/profile/profile.ts";
import { BatchSender } from "../../src/upstream/batch_sender.ts";
import { HoldingRoom } from "../../src/upstream/holding_room.ts";
import { Pace } from "../../src/upstream/pace.ts";
import { needsSplitting } from "../../src/upstream/store_in_parts.ts";
import { createMetrics } from "../../src/telemetry/metrics.ts";
import { MemoryLogger } from "../fixtures/memory_logger.ts";
import { withSplitStore } from "./split_store.ts";

const MIB = 1024 * 1024;

function sender(rules: { storeBatchBytes: number; storeConcurrency: number }): BatchSender {
  return new BatchSender({
    server: "main",
    rules: { ...profiles.generic.rules, ...rules },
    room: roomInMemory(),
    pace: new Pace(0),
    maxConcurrent: 100,
    logger: new MemoryLogger(),
  });
}

for (
  const [bytesSoFar, enough] of [
    [0, MIB],
    [8 * MIB - 1, MIB],
    [8 * MIB, 2 * MIB],
    [64 * MIB, 2 * MIB],
    [128 * MIB, 4 * MIB],
    [512 * MIB, 16 * MIB],
    [5000 * MIB, 16 * MIB],
  ] as const
) {
  Deno.test(`After ${bytesSoFar / MIB} MiB of an upload a batch has ${enough / MIB} MiB`, () => {
    const batches = sender({ storeBatchBytes: 16 * MIB, storeConcurrency: 8 });
    assert.equal(batches.enough(bytesSoFar), enough);
  });
}

for (
  const [what, headers, needs] of [
    ["as short as one batch", { "content-length": String(MIB) }, false],
    ["longer than one batch", { "content-length": String(MIB + 1) }, true],
    ["of unknown length", {}, true],
    ["encoded", { "content-encoding": "gzip" }, false],
    ["with metadata apart", {
      "content-type": 'multipart/related; type="application/dicom+json"; boundary=b',
    }, false],
  ] as const
) {
  Deno.test(`An upload ${what} is ${needs ? "" : "not "}sent in batches`, () => {
    const all = new Headers({ "content-type": STOW_TYPE, ...headers });
    const batches = sender({ storeBatchBytes: 16 * MIB, storeConcurrency: 8 });
    assert.equal(needsSplitting(all, { maxBytes: 0, maxInstances: 0 }, batches), needs);
  });
}

const BATCH_BYTES = 4_000;

function isEmptied(room: HoldingRoom, before: { memory: number; disk: number }): void {
  assert.deepEqual({ memory: room.memory.left, disk: room.disk.left }, before);
}

function left(room: HoldingRoom): { memory: number; disk: number } {
  return { memory: room.memory.left, disk: room.disk.left };
}

for (const pieceBytes of [1, 100, 65_524]) {
  Deno.test(`Batches store all instances once, with lengths, from pieces of ${pieceBytes} bytes`, async () => {
    const all = instances(30);
    const room = roomInMemory();
    const before = left(room);
    const options = { concurrency: 3, batches: { room, storeBatchBytes: BATCH_BYTES } };
    await withSplitStore({}, options, async ({ origin, store }) => {
      const { status, stored, failed } = await store(inPiecesOf(stowBody(all), pieceBytes));
      assert.deepEqual([status, failed], [200, []]);
      assert.deepEqual(stored, all.map(({ uid }) => uid));
      assert.deepEqual(origin.stored, hashes(all));
      assert.ok(origin.mostAtOnce <= 3, String(origin.mostAtOnce));
      for (const { headers, bytes, instances } of origin.requests) {
        assert.equal(headers.get("content-length"), String(bytes));
        assert.equal(headers.get("transfer-encoding"), null);
        assert.ok(instances > 1 || instances === all.length % instances);
      }
    });
    isEmptied(room, before);
  });
}

/** Divides a body at random places. */
function* inRandomPieces(
  body: Iterable<Uint8Array<ArrayBuffer>>,
  seed: number,
): Generator<Uint8Array<ArrayBuffer>> {
  const [whole] = inPiecesOf(body, 1 << 20);
  const random = seededBytes(seed, 10_000);
  for (let at = 0, count = 0; at < whole!.length; count++) {
    const byte = random[count % random.length]!;
    // Delimiters and headers, too, are divided.
    const length = byte < 128 ? 1 + byte % 8 : byte * 20;
    yield whole!.slice(at, at + length);
    at += length;
  }
}

Deno.test("Batches store the same instances as one request, however the body is divided", async () => {
  for (let seed = 1; seed <= 6; seed++) {
    const all = instances(20, 5 + seed, seed);
    const withLength = seed % 2 === 0;
    const outcomes: unknown[] = [];
    for (const storeBatchBytes of [0, BATCH_BYTES]) {
      const batches = storeBatchBytes > 0
        ? { batches: { room: roomInMemory(6_000), storeBatchBytes } }
        : {};
      await withSplitStore({}, { concurrency: 3, ...batches }, async ({ origin, store }) => {
        const body = inRandomPieces(stowBody(all, { withLength }), seed);
        const { status, stored, failed } = await store(body);
        outcomes.push({ status, stored: stored.toSorted(), failed, files: origin.stored });
      });
    }
    assert.deepEqual(outcomes[1], outcomes[0], `seed ${seed}`);
  }
});

Deno.test("As many batches are sent at a time as the rule allows", async () => {
  const three = Promise.withResolvers<void>();
  const together = async (_: RawExchange, count: number) => {
    if (count === 3) three.resolve();
    await within(10_000, "three batches", three.promise);
    return false;
  };
  const batches = { room: roomInMemory(), storeBatchBytes: BATCH_BYTES };
  await withSplitStore(
    { play: together },
    { concurrency: 3, batches },
    async ({ origin, store }) => {
      const { status } = await store(stowBody(instances(30)));
      assert.deepEqual([status, origin.mostAtOnce], [200, 3]);
    },
  );
});

Deno.test("An upload without instances is sent as such", async () => {
  const options = { batches: { room: roomInMemory(), storeBatchBytes: BATCH_BYTES } };
  await withSplitStore({}, options, async ({ origin, store }) => {
    const { status } = await store([bytes(`--${BOUNDARY}--`)]);
    // As Azure answers it.
    assert.deepEqual([status, origin.begun], [204, 1]);
  });
});

/** What the first exchanges of a store do. */
function first(
  count: number,
  play: (exchange: RawExchange) => Promise<void>,
): (exchange: RawExchange, at: number) => Promise<boolean> {
  return async (exchange, at) => {
    if (at > count) return false;
    await play(exchange);
    return true;
  };
}

async function read(exchange: RawExchange, most = Infinity): Promise<void> {
  let length = 0;
  for await (const piece of exchange.body()) {
    length += piece.length;
    if (length >= most) return;
  }
}

const CUTS: [what: string, play: (exchange: RawExchange) => Promise<void>][] = [
  ["cut before anything is read", async (exchange) => await exchange.close()],
  ["cut in the middle of a batch", async (exchange) => {
    await read(exchange, 1_000);
    await exchange.close();
  }],
  ["cut before the answer", async (exchange) => {
    await read(exchange);
    await exchange.close();
  }],
  ["answered 503", async (exchange) => {
    await read(exchange);
    await exchange.answer(503, "");
  }],
];

for (const [what, play] of CUTS) {
  for (const repeatUploads of [true, false]) {
    const expected = repeatUploads ? "sent again" : "reported as failed, and sent once";
    Deno.test(`A batch that is ${what} is ${expected}`, async () => {
      const all = instances(12);
      const room = roomInMemory();
      const before = left(room);
      const batches = { room, storeBatchBytes: BATCH_BYTES, repeatUploads };
      const options = { concurrency: 1, batches };
      await withSplitStore(
        { vendor: "google", play: first(1, play) },
        options,
        async ({ origin, store }) => {
          const { status, stored, failed } = await store(stowBody(all));
          const batchCount = origin.requests.length + (repeatUploads ? 0 : 1);
          assert.equal(origin.begun, batchCount + (repeatUploads ? 1 : 0));
          if (repeatUploads) {
            assert.deepEqual([status, failed], [200, []]);
            assert.deepEqual(stored, all.map(({ uid }) => uid));
            assert.deepEqual(origin.stored, hashes(all));
          } else {
            assert.equal(status, 202);
            assert.deepEqual([...origin.stored.keys()].sort(), stored.toSorted());
            assert.equal(stored.length + failed.length, all.length);
            assert.ok(failed.length > 0);
          }
        },
      );
      isEmptied(room, before);
    });
  }
}

for (const repeatUploads of [true, false]) {
  Deno.test(`A batch that is throttled (429) is sent again${repeatUploads ? "" : ", whatever repetitions mean"}`, async () => {
    const all = instances(12);
    const throttle = first(2, async (exchange) => {
      await read(exchange);
      await exchange.answer(429, "", { "retry-after": "0" });
    });
    const batches = { room: roomInMemory(), storeBatchBytes: BATCH_BYTES, repeatUploads };
    await withSplitStore(
      { play: throttle },
      { concurrency: 2, batches },
      async ({ origin, store }) => {
        const { status, failed } = await store(stowBody(all));
        assert.deepEqual([status, failed], [200, []]);
        assert.deepEqual(origin.stored, hashes(all));
      },
    );
  });
}

const ANSWERS: [what: string, play: (exchange: RawExchange) => Promise<void>][] = [
  ["rejects", async (exchange) => {
    await read(exchange);
    await exchange.answer(409, "");
  }],
  ["answers with a report that breaks off", async (exchange) => {
    await read(exchange);
    await exchange.writeHead(200, {
      "content-type": "application/dicom+json",
      "content-length": "99",
    });
    await exchange.write('{"00081199":');
    await exchange.close();
  }],
];

for (const [what, answer] of ANSWERS) {
  Deno.test(`A batch that the store ${what} is never sent again`, async () => {
    const all = instances(12);
    const reject = first(1, answer);
    const batches = { room: roomInMemory(), storeBatchBytes: BATCH_BYTES, repeatUploads: true };
    await withSplitStore(
      { play: reject },
      { concurrency: 1, batches },
      async ({ origin, store }) => {
        const { status, stored, failed } = await store(stowBody(all));
        assert.equal(status, 202);
        assert.equal(origin.begun, origin.requests.length + 1);
        assert.equal(stored.length + failed.length, all.length);
      },
    );
  });
}

const ROOMS: [what: string, memoryBytes: number, diskBytes: number, files: boolean][] = [
  ["in memory", MIB, 0, false],
  ["on the disk", 0, 100 * MIB, true],
  ["in memory and on the disk", 5_000, 100 * MIB, true],
  ["nowhere: they are streamed", 0, 0, false],
  ["in memory, and streamed beyond", 5_000, 0, false],
  ["on the disk, and streamed beyond", 0, 5_000, true],
];

for (const [what, memoryBytes, diskBytes, hasFiles] of ROOMS) {
  for (const rows of [16, 9_000]) {
    Deno.test(`Batches of instances of ${rows * 64 + 600} bytes are held ${what}`, async () => {
      const directory = await Deno.makeTempDir();
      let created = 0;
      const room = new HoldingRoom({
        memoryBytes,
        diskBytes,
        directory,
        createFile: (at) => {
          created++;
          const path = `${at}/file${created}`;
          const file = Deno.openSync(path, { read: true, write: true, createNew: true });
          Deno.removeSync(path);
          return file;
        },
      });
      const before = left(room);
      try {
        const all = instances(9, rows);
        const batches = { room, storeBatchBytes: 2 * 64 * rows };
        await withSplitStore({}, { concurrency: 2, batches }, async ({ origin, store }) => {
          const { status, failed } = await store(inPiecesOf(stowBody(all), 3_000));
          assert.deepEqual([status, failed], [200, []]);
          assert.deepEqual(origin.stored, hashes(all));
        });
        assert.equal(created > 0, hasFiles);
        isEmptied(room, before);
        await untilClosed(directory);
      } finally {
        await Deno.remove(directory, { recursive: true });
      }
    });
  }
}

Deno.test("A disk that is full does not fail an upload: the batch is sent as it arrives", async () => {
  const directory = await Deno.makeTempDir();
  const room = new HoldingRoom({
    memoryBytes: 0,
    diskBytes: 100 * MIB,
    directory,
    // Every write fails with ENOSPC.
    createFile: () => Deno.openSync("/dev/full", { read: true, write: true }),
  });
  const before = left(room);
  try {
    const all = instances(6, 20_000);
    const batches = { room, storeBatchBytes: 2 * MIB };
    await withSplitStore({}, { concurrency: 2, batches }, async ({ origin, store, gateway }) => {
      const { status, failed } = await store(inPiecesOf(stowBody(all), 65_524));
      assert.deepEqual([status, failed], [200, []]);
      assert.deepEqual(origin.stored, hashes(all));
      const warnings = gateway.logger.lines.filter(({ level }) => level === "warn");
      assert.deepEqual(warnings.map(({ message }) => message), [
        "Cannot hold a batch on the disk; sending it as it arrives",
      ]);
    });
    isEmptied(room, before);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("Of an upload that breaks off anywhere, batches store the complete instances alone", async () => {
  const all = instances(6);
  const body = [...stowBody(all)];
  const whole = body.reduce((length, piece) => length + piece.length, 0);
  for (let cut = 0; cut < whole; cut += 397) {
    const room = roomInMemory();
    const before = left(room);
    const batches = { room, storeBatchBytes: BATCH_BYTES };
    await withSplitStore({}, { concurrency: 2, batches }, async ({ origin, store }) => {
      // A message that ends too early, on a connection that stays.
      const [piece] = inPiecesOf(body, whole);
      const { status } = await store([piece!.slice(0, cut)]);
      assert.equal(status, 400, `cut at ${cut}`);
      const complete = completeBefore(cut, body);
      assert.deepEqual(
        [...origin.stored.keys()].sort(),
        all.slice(0, complete).map(({ uid }) => uid),
        `cut at ${cut}`,
      );
      for (const [uid, hash] of origin.stored) assert.equal(hash, hashes(all).get(uid));
    });
    isEmptied(room, before);
  }
});

/** How many instances end, with the delimiter after them, before a place. */
function completeBefore(place: number, body: readonly Uint8Array[]): number {
  const delimiter = `\r\n--${BOUNDARY}`.length;
  let at = 0;
  let complete = 0;
  for (const [index, piece] of body.entries()) {
    at += piece.length;
    if (index % 3 === 1 && at + delimiter <= place) complete++;
  }
  return complete;
}

Deno.test("Metrics count the batches at the store and in the queue, and the bytes held", async () => {
  const directory = await Deno.makeTempDir();
  const metrics = createMetrics();
  const room = new HoldingRoom({ memoryBytes: 6_000, diskBytes: 100 * MIB, directory, metrics });
  const arrived = Promise.withResolvers<void>();
  const go = Promise.withResolvers<void>();
  let begun = 0;
  const wait = async () => {
    if (++begun === 2) arrived.resolve();
    await go.promise;
    return false;
  };
  const values = async () => {
    const text = await metrics.registry.metrics();
    const value = (name: string) =>
      Number(
        text.split("\n").find((line) => line.startsWith(`dicomweb_oauth_upload_${name} `))
          ?.split(" ")[1],
      );
    return {
      inFlight: value('batches_in_flight{server="main"}'),
      queued: value('batches_queued{server="main"}'),
      memory: value('held_bytes{place="memory"}'),
      disk: value('held_bytes{place="disk"}'),
    };
  };
  try {
    const batches = { room, storeBatchBytes: BATCH_BYTES };
    const all = instances(9);
    await withSplitStore(
      { play: wait },
      { concurrency: 2, batches, metrics },
      async ({ store }) => {
        const stored = store(stowBody(all));
        await within(10_000, "two batches", arrived.promise);
        const { inFlight, memory, disk } = await values();
        assert.equal(inFlight, 2);
        assert.deepEqual([memory, disk], [room.memory.taken, room.disk.taken]);
        assert(memory > 0 && memory + disk >= 2 * BATCH_BYTES, `${memory}, ${disk}`);
        go.resolve();
        assert.equal((await stored).status, 200);
      },
    );
    assert.deepEqual(await values(), { inFlight: 0, queued: 0, memory: 0, disk: 0 });
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

for (
  const [what, memoryBytes, isStreamed] of [["room", MIB, false], ["no room", 0, true]] as const
) {
  Deno.test(`Metrics count the batches that stream: with ${what}`, async () => {
    const metrics = createMetrics();
    const room = roomInMemory(memoryBytes);
    const batches = { room, storeBatchBytes: BATCH_BYTES };
    await withSplitStore({}, { concurrency: 2, batches, metrics }, async ({ origin, store }) => {
      assert.equal((await store(stowBody(instances(9)))).status, 200);
      const { values } = await metrics.uploadBatchesStreamed.get();
      const count = values.reduce((sum, { value }) => sum + value, 0);
      assert.equal(count, isStreamed ? origin.requests.length : 0);
    });
  });
}

Deno.test("When the client has gone all batches end, and nothing is held any more", async () => {
  const directory = await Deno.makeTempDir();
  const room = new HoldingRoom({ memoryBytes: 6_000, diskBytes: 100 * MIB, directory });
  const before = left(room);
  const arrived = Promise.withResolvers<void>();
  const ended: Promise<unknown>[] = [];
  let begun = 0;
  const hang = async (exchange: RawExchange) => {
    if (++begun === 2) arrived.resolve();
    for await (const _ of exchange.body()) if (begun > 1) break;
    const end = exchange.untilGone();
    ended.push(end);
    await end;
    return true;
  };
  try {
    const batches = { room, storeBatchBytes: BATCH_BYTES };
    await withSplitStore({ play: hang }, { concurrency: 2, batches }, async ({ gateway }) => {
      using client = await RawClient.connect(gateway.url);
      const headers = { "content-type": STOW_TYPE, "transfer-encoding": "chunked" };
      await client.write(client.head("POST", "/studies", headers));
      // Two batches that are sent, and the beginning of the third.
      for (const piece of stowBody(instances(7), { end: "" })) await client.writeChunk(piece);
      await within(10_000, "two batches", arrived.promise);
      client[Symbol.dispose]();
      await within(10_000, "the end of the batches", Promise.all(ended));
      await untilClosed(directory);
      assert.deepEqual(openFiles(directory), []);
    });
    isEmptied(room, before);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});
