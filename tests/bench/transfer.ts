/**
 * Transfers one large body over a plain connection, as fast as the other side allows, in a process
 * of its own. Prints the seconds of wall-clock time and of this process's processor time.
 *
 * `deno run transfer.ts get|chunked|length URL BYTES CHUNK_BYTES`
 */
import { KEY, KEY_HEADER } from "./messages.ts";
import { printLine } from "./print_line.ts";

const [kind, address, byteText, chunkText] = Deno.args;
const url = new URL(address!);
const bytes = Number(byteText);
/** Bytes of one write. */
const BLOCK_BYTES = 1 << 20;
const encoder = new TextEncoder();

const connection = await Deno.connect({ hostname: url.hostname, port: Number(url.port) });
const startedMs = performance.now();
if (kind === "get") await receive();
else await send(kind === "chunked" ? Number(chunkText) : undefined);
const seconds = (performance.now() - startedMs) / 1000;
printLine(JSON.stringify({ seconds }));
Deno.exit(0);

async function receive(): Promise<void> {
  await write(head("GET"));
  const buffer = new Uint8Array(256 * 1024);
  let received = 0;
  while (received < bytes) {
    const count = await connection.read(buffer);
    if (count === null) throw new Error(`the body ended after ${received} bytes`);
    if (received === 0) expectSuccess(buffer);
    received += count;
  }
}

async function send(chunkBytes: number | undefined): Promise<void> {
  const framing = chunkBytes === undefined
    ? `content-length: ${bytes}\r\n`
    : "transfer-encoding: chunked\r\n";
  await write(head("POST", `content-type: application/dicom\r\n${framing}`));
  const [block, content] = blockOf(chunkBytes);
  for (let sent = 0; sent < bytes;) {
    // A truncated last block contains plain content: chunks are sent in whole blocks only.
    const rest = chunkBytes === undefined ? Math.min(content, bytes - sent) : content;
    await write(rest === content ? block : block.subarray(0, rest));
    sent += rest;
  }
  if (chunkBytes !== undefined) await write(encoder.encode("0\r\n\r\n"));
  const buffer = new Uint8Array(4096);
  if (await connection.read(buffer) === null) throw new Error("no answer");
  expectSuccess(buffer);
}

/** The bytes of one write, and how much content they contain. */
function blockOf(chunkBytes: number | undefined): [block: Uint8Array, content: number] {
  if (chunkBytes === undefined) return [new Uint8Array(BLOCK_BYTES), BLOCK_BYTES];
  const before = encoder.encode(`${chunkBytes.toString(16)}\r\n`);
  const size = before.length + chunkBytes + 2;
  const count = Math.max(1, Math.floor(BLOCK_BYTES / size));
  const block = new Uint8Array(count * size);
  for (let i = 0; i < count; i++) {
    block.set(before, i * size);
    block.set(encoder.encode("\r\n"), (i + 1) * size - 2);
  }
  return [block, count * chunkBytes];
}

function head(method: string, more = ""): Uint8Array {
  return encoder.encode(
    `${method} ${url.pathname} HTTP/1.1\r\nhost: ${url.host}\r\naccept: */*\r\n${KEY_HEADER}: ${KEY}\r\n${more}\r\n`,
  );
}

function expectSuccess(answer: Uint8Array): void {
  const line = new TextDecoder().decode(answer.subarray(0, 40)).split("\r\n")[0]!;
  if (!/^HTTP\/1\.1 200\b/.test(line)) throw new Error(`answered ${line}`);
}

async function write(data: Uint8Array): Promise<void> {
  for (let at = 0; at < data.length;) at += await connection.write(data.subarray(at));
}
