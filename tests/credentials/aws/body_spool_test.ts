import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { BodySpool, type BodySpoolOptions } from "../../../src/credentials/aws/body_spool.ts";
import type { KeptBody } from "../../../src/credentials/authorizer.ts";
import { BrokenBodyError } from "../../../src/errors/broken_body_error.ts";
import { GatewayError } from "../../../src/errors/gateway_error.ts";
import { openFiles, untilClosed } from "../../fixtures/open_files.ts";

const MIB = 1024 * 1024;
const never = new AbortController().signal;

/** A body whose every 16 bytes contain their position, in chunks of `pieceBytes`. */
function body(length: number, pieceBytes = 65_524): ReadableStream<Uint8Array<ArrayBuffer>> {
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      if (at === length) return controller.close();
      const piece = content(at, Math.min(pieceBytes, length - at));
      at += piece.length;
      controller.enqueue(piece);
    },
  }, { highWaterMark: 0 });
}

function content(start: number, length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  for (let index = 0; index < length; index++) {
    const at = start + index;
    bytes[index] = at % 16 < 12 ? "DICOM image ".charCodeAt(at % 16) : at >> (8 * (at % 4));
  }
  return bytes;
}

function sha256(...pieces: readonly Uint8Array[]): string {
  const hash = createHash("sha256");
  for (const piece of pieces) hash.update(piece);
  return hash.digest("hex");
}

interface Setup {
  readonly directory: string;
  readonly spool: BodySpool;
}

/** Runs a test with a spool; afterwards no file or descriptor may be left. */
async function withSpool(
  test: (setup: Setup) => Promise<void>,
  options: Pick<BodySpoolOptions, "createFile"> = {},
): Promise<void> {
  const directory = await Deno.makeTempDir({ prefix: "spool-test-" });
  try {
    await test({ directory, spool: new BodySpool({ directory, server: "main", ...options }) });
    await untilClosed(directory);
    assert.deepEqual([...Deno.readDirSync(directory)], [], "files are left");
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

/** The body as `fetch` would send it. */
function sent(kept: KeptBody): ReadableStream<Uint8Array<ArrayBuffer>> {
  return new Response(kept.open()).body!;
}

async function hashOf(stream: ReadableStream<Uint8Array>): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of stream) hash.update(chunk);
  return hash.digest("hex");
}

const lengths = [
  0,
  10,
  MIB - 1,
  MIB,
  MIB + 1,
  MIB + 256 * 1024,
  5 * MIB - 1,
  100 * MIB,
];
for (const length of lengths) {
  const place = length > MIB ? "a file" : "memory";
  Deno.test(`BodySpool keeps ${length} bytes in ${place}, and returns them whole, more than once`, () =>
    withSpool(async ({ spool, directory }) => {
      const expected = await hashOf(body(length));
      const kept = await spool.keep(body(length), never);
      assert.equal(kept.length, length);
      assert.equal(kept.sha256(), expected);
      assert.equal(openFiles(directory).length, length > MIB ? 1 : 0);
      const opened = kept.open();
      assert.equal(opened instanceof Blob ? opened.size : (opened as Uint8Array).length, length);
      assert.equal(await hashOf(sent(kept)), expected);
      assert.equal(await hashOf(sent(kept)), expected);
      kept.close();
      kept.close();
    }));
}

Deno.test("BodySpool keeps bodies whole whatever the size of their chunks", () =>
  withSpool(async ({ spool }) => {
    const length = MIB + 300_001;
    for (const pieceBytes of [4096, 65_536, 256 * 1024, length]) {
      const kept = await spool.keep(body(length, pieceBytes), never);
      assert.equal(kept.sha256(), sha256(content(0, length)));
      assert.equal(await hashOf(sent(kept)), kept.sha256());
      kept.close();
    }
  }));

Deno.test("BodySpool: a file has no name, and its content is encrypted", () =>
  withSpool(async ({ spool, directory }) => {
    const plain = content(0, 2 * MIB);
    const onDisk: Uint8Array[] = [];
    for (let time = 0; time < 2; time++) {
      const kept = await spool.keep(body(plain.length), never);
      assert.deepEqual([...Deno.readDirSync(directory)], []);
      const [file] = openFiles(directory);
      assert.match(file!.path, /\/spool-[0-9a-f-]{36} \(deleted\)$/);
      assert.equal((await Deno.stat(file!.descriptor)).mode! & 0o777, 0o600);
      onDisk.push(await Deno.readFile(file!.descriptor));
      kept.close();
    }
    for (const bytes of onDisk) {
      assert(bytes.length >= plain.length - 256 * 1024);
      const text = new TextDecoder("latin1").decode(bytes);
      assert(!text.includes("DICOM"));
      // Encrypted bytes look random: nothing of the pattern of 16 bytes is left.
      const counts = new Array<number>(256).fill(0);
      for (const byte of bytes) counts[byte]!++;
      assert(Math.max(...counts) < 1.1 * bytes.length / 256);
    }
    assert.notDeepEqual(onDisk[0], onDisk[1], "two files have one key");
  }));

Deno.test("BodySpool: a file changed on the disk is not sent as the body", () =>
  withSpool(async ({ spool, directory }) => {
    const kept = await spool.keep(body(3 * MIB), never);
    const [opened] = openFiles(directory);
    using file = await Deno.open(opened!.descriptor, { write: true });
    await file.seek(2 * MIB, Deno.SeekMode.Start);
    await file.write(new Uint8Array(1));
    await assert.rejects(hashOf(sent(kept)));
    kept.close();
  }));

Deno.test("BodySpool: reopened, a body starts at its beginning, and streams opened before fail", () =>
  withSpool(async ({ spool }) => {
    const kept = await spool.keep(body(3 * MIB), never);
    const first = sent(kept).getReader();
    await first.read();
    assert.equal(await hashOf(sent(kept)), kept.sha256());
    await assert.rejects(
      (async () => {
        while (!(await first.read()).done);
      })(),
      /sent again/,
    );
    kept.close();
  }));

Deno.test("BodySpool: closed while it is sent, a body breaks off and does not end", () =>
  withSpool(async ({ spool }) => {
    const kept = await spool.keep(body(3 * MIB), never);
    const reader = sent(kept).getReader();
    await reader.read();
    kept.close();
    await assert.rejects(
      (async () => {
        while (!(await reader.read()).done);
      })(),
      /over/,
    );
  }));

Deno.test("BodySpool: a client that disconnects in the middle leaves nothing behind", () =>
  withSpool(async ({ spool }) => {
    const client = new AbortController();
    const left = new DOMException("left", "AbortError");
    let given = 0;
    let cancelled = false;
    const stalling = new ReadableStream<Uint8Array<ArrayBuffer>>({
      pull(controller) {
        if (given === 3 * MIB) {
          // The rest never arrives.
          queueMicrotask(() => client.abort(left));
          return new Promise(() => {});
        }
        controller.enqueue(new Uint8Array(MIB / 2));
        given += MIB / 2;
      },
      cancel() {
        cancelled = true;
      },
    }, { highWaterMark: 0 });
    await assert.rejects(spool.keep(stalling, client.signal), (error) => error === left);
    assert(cancelled);
  }));

Deno.test("BodySpool: a body is not read for a client that has disconnected", () =>
  withSpool(async ({ spool }) => {
    const reason = new Error("gone");
    const stream = body(10);
    await assert.rejects(
      spool.keep(stream, AbortSignal.abort(reason)),
      (error) => error === reason,
    );
    assert(!stream.locked);
  }));

Deno.test("BodySpool: a body that breaks off is the client's fault and leaves nothing behind", () =>
  withSpool(async ({ spool }) => {
    let given = 0;
    const broken = new ReadableStream<Uint8Array<ArrayBuffer>>({
      pull(controller) {
        if ((given += MIB) > 3 * MIB) throw new Error("connection reset");
        controller.enqueue(new Uint8Array(MIB));
      },
    });
    const error = await failure(spool.keep(broken, never));
    assert.equal(error.code, "NET-005");
    const short = new BrokenBodyError("it is shorter than its Content-Length");
    const failing = new ReadableStream({ start: (controller) => controller.error(short) });
    assert.equal(await failure(spool.keep(failing, never)), short);
  }));

Deno.test("BodySpool: a full disk is reported as such, and the body is cancelled", () =>
  withSpool(async ({ spool }) => {
    let cancelled = false;
    const endless = new ReadableStream<Uint8Array<ArrayBuffer>>({
      pull: (controller) => controller.enqueue(new Uint8Array(MIB)),
      cancel() {
        cancelled = true;
      },
    });
    const error = await failure(spool.keep(endless, never));
    assert.equal(error.code, "INT-003");
    assert.equal(error.status, 503);
    assert.equal(error.server, "main");
    assert.match(error.message, /server "main".*disk of the state directory is full/);
    assert.match(error.troubleshooting[0]!, /^Free space/);
    assert(cancelled);
  }, { createFile: () => Deno.openSync("/dev/full", { read: true, write: true }) }));

Deno.test("BodySpool: a missing state directory is reported as such", async () => {
  const spool = new BodySpool({ directory: "/nonexistent/state", server: "main" });
  const error = await failure(spool.keep(body(2 * MIB), never));
  assert.equal(error.code, "INT-003");
  assert.match(error.message, /there is no state directory/);
  // A small body needs none.
  (await spool.keep(body(MIB), never)).close();
});

Deno.test("BodySpool keeps concurrent bodies apart", () =>
  withSpool(async ({ spool, directory }) => {
    const bodies = Array.from({ length: 40 }, (_, index) => MIB + 1000 * index + 1);
    const kept = await Promise.all(bodies.map((length) => spool.keep(body(length), never)));
    assert.equal(openFiles(directory).length, 40);
    const hashes = await Promise.all(kept.map((one) => hashOf(sent(one))));
    assert.deepEqual(hashes, bodies.map((length) => sha256(content(0, length))));
    for (const one of kept) one.close();
  }));

async function failure(promise: Promise<unknown>): Promise<GatewayError> {
  const error = await promise.then(() => undefined, (error: unknown) => error);
  assert(error instanceof GatewayError, `no GatewayError: ${error}`);
  return error;
}
