/**
 * Bodies of clients and stores that would exhaust a reader, through the real gateway: memory stays bounded,
 * and unreadable bodies are rejected.
 */
import assert from "node:assert/strict";
import { memoryRise } from "../fixtures/memory_watch.ts";
import type { RawExchange } from "../fixtures/raw_origin.ts";
import { BASE, CREDENTIAL, type HostileAnswer, startHostileBench } from "./hostile_bench.ts";

const MIB = 1024 * 1024;
/** Half of a bomb: far from buffering all of it, but with room for garbage not yet collected. */
const MAX_RISE = 256 * MIB;
/** Size of an expanded bomb. */
const BOMB_BYTES = 512 * MIB;

const encoder = new TextEncoder();
const END = "connection: close\r\n\r\n";

/** A STOW request in chunks. */
function* storing(server: string, boundary: string, pieces: Iterable<Uint8Array | string>) {
  const type = `multipart/related; type="application/dicom"; boundary=${boundary}`;
  yield `POST /dicom-web/${server}/studies HTTP/1.1\r\nhost: HOST\r\ncontent-type: ${type}\r\n` +
    `transfer-encoding: chunked\r\n${END}`;
  for (const piece of pieces) {
    const bytes = typeof piece === "string" ? encoder.encode(piece) : piece;
    yield `${bytes.length.toString(16)}\r\n`;
    yield bytes;
    yield "\r\n";
  }
  yield "0\r\n\r\n";
}

function* repeated(text: string, times: number): Generator<string> {
  const block = text.repeat(10_000);
  for (let done = 0; done < times; done += 10_000) yield block;
}

/** Highly compressible data between a start and an end. */
async function gzipBomb(start: string, end: string): Promise<Uint8Array> {
  const blank = encoder.encode(" ".repeat(MIB));
  const pieces = ReadableStream.from((function* () {
    yield encoder.encode(start);
    for (let done = 0; done < BOMB_BYTES; done += MIB) yield blank;
    yield encoder.encode(end);
  })()) as ReadableStream<Uint8Array<ArrayBuffer>>;
  return await new Response(pieces.pipeThrough(new CompressionStream("gzip"))).bytes();
}

function assertBounded(rise: number): void {
  assert.ok(rise < MAX_RISE, `resident memory rose by ${Math.round(rise / MIB)} MiB`);
}

function servers({ store }: { readonly store: string }): Record<string, unknown> {
  const server = {
    Url: store + BASE,
    ProviderType: "headers",
    Headers: { Authorization: CREDENTIAL },
  };
  return {
    splitting: { ...server, Rules: { StoreMaxBytes: 1_000_000 } },
    paging: { ...server, Rules: { SearchPageSize: 100 } },
  };
}

Deno.test("hostile bodies: multipart bombs of clients", async (t) => {
  await using bench = await startHostileBench(servers);
  type Case = [what: string, code: string | undefined, pieces: () => Iterable<string>];
  // Of too many parts, the first 50,000 are stored: the response is then a report about them.
  const cases: Case[] = [
    ["two million empty parts", undefined, () => repeated("--b\r\n\r\n\r\n", 2_000_000)],
    ["endless headers of a part", "NET-005", () => repeated("x: y\r\n", 20_000_000)],
    ["an endless header line", "NET-005", () => repeated("--b\r\nx: yyyyyy", 10_000_000)],
    [
      "endless white space after a boundary",
      "NET-005",
      () => repeated("        ", 10_000_000),
    ],
  ];
  for (const [what, code, pieces] of cases) {
    await t.step(`${what}: 400 before it is read to its end`, async () => {
      let answer: HostileAnswer | undefined;
      const rise = await memoryRise(bench.gateway, async () => {
        const start = what.startsWith("two") ? [] : ["--b\r\n"];
        answer = await bench.send(...storing("splitting", "b", [...start, ...pieces()]));
      });
      // A client that keeps sending after the response may lose it: the connection is reset (status 0).
      if (answer?.status !== 0) assert.deepEqual([answer?.status, answer?.code], [400, code]);
      assertBounded(rise);
      await bench.assertUnharmed();
    });
  }

  await t.step("bodies nested 100,000 deep are passed on as content", async () => {
    let answer: HostileAnswer | undefined;
    const rise = await memoryRise(bench.gateway, async () => {
      const nested = Array.from(
        { length: 100 },
        (_, block) =>
          Array.from({ length: 1_000 }, (_, n) => {
            const inner = `b${block * 1_000 + n}`;
            return `--${inner}\r\ncontent-type: multipart/related; boundary=${inner}x\r\n\r\n`;
          }).join(""),
      );
      const pieces = ["--b\r\ncontent-type: application/dicom\r\n\r\n", ...nested, "\r\n--b--\r\n"];
      answer = await bench.send(...storing("splitting", "b", pieces));
    });
    assert.equal(answer?.status, 200);
    assert.match(bench.takeSeen()[0]?.body ?? "", /boundary=b9999x/);
    assertBounded(rise);
    await bench.assertUnharmed();
  });
});

Deno.test("hostile bodies: endless and exploding responses of stores", async (t) => {
  await using bench = await startHostileBench(servers);
  const bomb = await gzipBomb("[", "]");
  const burst = async (exchange: RawExchange) => {
    for await (const _ of exchange.body());
    await exchange.writeHead(200, {
      "content-type": "application/dicom+json",
      "content-encoding": "gzip",
      "content-length": String(bomb.length),
    });
    await exchange.write(bomb);
  };
  const endless = async (exchange: RawExchange) => {
    for await (const _ of exchange.body());
    await exchange.writeHead(200, {
      "content-type": "application/dicom+json",
      connection: "close",
    });
    const blank = encoder.encode(" ".repeat(MIB));
    await exchange.write("[");
    for (let done = 0; done < BOMB_BYTES; done += MIB) await exchange.write(blank);
    exchange.close();
  };
  const search = (
    server: string,
    query = "",
  ) => [`GET /dicom-web/${server}/studies${query} HTTP/1.1\r\nhost: HOST\r\n${END}`];
  const HELD = [502, "NET-009"] as const;
  const STREAMED = [200, undefined] as const;
  type Case = [
    what: string,
    seen: readonly [status: number, code: string | undefined],
    play: typeof burst,
    request: () => Iterable<string | Uint8Array>,
  ];
  const cases: Case[] = [
    ["a gzip bomb to a search", STREAMED, burst, () => search("main")],
    ["a gzip bomb to a search in pages", HELD, burst, () => search("paging", "?limit=1000")],
    ["a gzip bomb to storing", HELD, burst, () => storing("main", "b", ["--b--\r\n"])],
    [
      "a gzip bomb to storing in parts",
      HELD,
      burst,
      () => storing("splitting", "b", ["--b\r\n\r\nx\r\n--b--\r\n"]),
    ],
    [
      "an endless response to a search in pages",
      HELD,
      endless,
      () => search("paging", "?limit=1000"),
    ],
    [
      "an endless response to storing in parts",
      HELD,
      endless,
      () => storing("splitting", "b", ["--b\r\n\r\nx\r\n--b--\r\n"]),
    ],
  ];
  for (const [what, seen, play, request] of cases) {
    await t.step(what, async () => {
      bench.store.play(play);
      let answer: HostileAnswer | undefined;
      const rise = await memoryRise(bench.gateway, async () => {
        answer = await bench.send(...request());
      });
      assert.deepEqual([answer?.status, answer?.code], seen);
      assertBounded(rise);
      await bench.assertUnharmed();
    });
  }
});
