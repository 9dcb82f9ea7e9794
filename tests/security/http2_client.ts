/**
 * A client of HTTP/2 with prior knowledge (RFC 9113, section 3.3) that sends arbitrary fields and frames,
 * including invalid ones.
 */

/** Fields of a request in the order to send, including pseudo-header fields. */
export type Fields = readonly (readonly [name: string, value: string])[];

/** The outcome of a request: its status, or the stream was reset, or the connection ended. */
export type Http2Outcome = number | "reset" | "gone";

/** A received frame. */
interface Frame {
  readonly type: number;
  readonly stream: number;
  readonly payload: Uint8Array;
}

const PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const MAX_PAYLOAD = 16_384;

/** Types of frames (RFC 9113, section 6). */
export const FRAME = {
  data: 0,
  headers: 1,
  reset: 3,
  settings: 4,
  goAway: 7,
  continuation: 9,
} as const;
/** Flags of frames. */
export const FLAG = { endStream: 1, endHeaders: 4, none: 0 } as const;

/** One connection, with requests on streams of their own. */
export class Http2Client implements Disposable {
  readonly #conn: Deno.TcpConn;
  #nextStream = 1;

  private constructor(conn: Deno.TcpConn) {
    this.#conn = conn;
  }

  /**
   * Connects and sends the preface.
   *
   * @param url Any `http:` URL at the server.
   */
  static async connect(url: string): Promise<Http2Client> {
    const { hostname, port } = new URL(url);
    const conn = await Deno.connect({ hostname, port: Number(port) });
    const client = new Http2Client(conn);
    await client.write(latin1(PREFACE));
    await client.send(FRAME.settings, FLAG.none, 0, new Uint8Array());
    return client;
  }

  /** @returns The number of a new stream. */
  takeStream(): number {
    const stream = this.#nextStream;
    this.#nextStream += 2;
    return stream;
  }

  async write(bytes: Uint8Array): Promise<void> {
    for (let sent = 0; sent < bytes.length;) sent += await this.#conn.write(bytes.subarray(sent));
  }

  async send(type: number, flags: number, stream: number, payload: Uint8Array): Promise<void> {
    await this.write(frame(type, flags, stream, payload));
  }

  /** Sends a request and reads until its outcome is known. */
  async ask(fields: Fields, body?: string): Promise<Http2Outcome> {
    const stream = this.takeStream();
    try {
      await this.write(requestHead(stream, fields, body === undefined));
      if (body !== undefined) {
        await this.send(FRAME.data, FLAG.endStream, stream, latin1(body));
      }
    } catch {
      // The server may have ended the connection with a reason, which is read below.
    }
    return await this.outcomeOf(stream);
  }

  /** Reads until the outcome of a stream is known. */
  async outcomeOf(stream: number): Promise<Http2Outcome> {
    while (true) {
      const came = await this.#read().catch(() => undefined);
      if (came === undefined || came.type === FRAME.goAway) return "gone";
      if (came.stream !== stream) continue;
      if (came.type === FRAME.reset) return "reset";
      if (came.type === FRAME.headers) return statusIn(came.payload);
    }
  }

  /** Disconnects. */
  [Symbol.dispose](): void {
    this.#conn.close();
  }

  async #read(): Promise<Frame | undefined> {
    const head = await this.#take(9);
    if (head === undefined) return undefined;
    const view = new DataView(head.buffer);
    const payload = await this.#take(view.getUint32(0) >>> 8);
    return payload && { type: head[3]!, stream: view.getUint32(5) & 0x7fff_ffff, payload };
  }

  async #take(length: number): Promise<Uint8Array | undefined> {
    const taken = new Uint8Array(length);
    for (let at = 0; at < length;) {
      const read = await this.#conn.read(taken.subarray(at));
      if (read === null) return undefined;
      at += read;
    }
    return taken;
  }
}

/** The frames of a request's head. */
export function requestHead(stream: number, fields: Fields, isAll: boolean): Uint8Array {
  const block = joined(fields.map(([name, value]) => literal(name, value)));
  const frames: Uint8Array[] = [];
  for (let at = 0; at === 0 || at < block.length; at += MAX_PAYLOAD) {
    const isLast = at + MAX_PAYLOAD >= block.length;
    const flags = (isLast ? FLAG.endHeaders : 0) | (at === 0 && isAll ? FLAG.endStream : 0);
    const type = at === 0 ? FRAME.headers : FRAME.continuation;
    frames.push(frame(type, flags, stream, block.subarray(at, at + MAX_PAYLOAD)));
  }
  return joined(frames);
}

/** A field in HPACK without index and without Huffman code (RFC 7541, section 6.2.2). */
export function literal(name: string, value: string): Uint8Array {
  return joined([Uint8Array.of(0), text(name), text(value)]);
}

function text(value: string): Uint8Array {
  const length: number[] = [];
  let rest = value.length;
  if (rest < 127) length.push(rest);
  else {
    length.push(127);
    for (rest -= 127; rest >= 128; rest = Math.floor(rest / 128)) length.push(rest % 128 + 128);
    length.push(rest);
  }
  return joined([Uint8Array.from(length), latin1(value)]);
}

/** The status is the first field of a response: an entry of the static table, or a literal. */
function statusIn(block: Uint8Array): Http2Outcome {
  const [first = 0, length = 0] = block;
  const known = [200, 204, 206, 304, 400, 404, 500][(first & 0x7f) - 8];
  if (first >= 0x80 && known !== undefined) return known;
  const value = block.subarray(2, 2 + (length & 0x7f));
  if (length < 0x80) return Number(String.fromCharCode(...value));
  // Digits of the Huffman code: 0 to 2 have five bits, the others six (RFC 7541, appendix B).
  let bits = Array.from(value, (byte) => byte.toString(2).padStart(8, "0")).join("");
  let status = "";
  while (status.length < 3) {
    const short = parseInt(bits.slice(0, 5), 2);
    const size = short <= 2 ? 5 : 6;
    status += short <= 2 ? short : parseInt(bits.slice(0, 6), 2) - 0x19 + 3;
    bits = bits.slice(size);
  }
  return Number(status);
}

/** RST_STREAM with an error code (RFC 9113, section 7). */
export function reset(code: number): (stream: number) => Uint8Array {
  return (stream) => frame(FRAME.reset, FLAG.none, stream, Uint8Array.of(0, 0, 0, code));
}

/** An empty DATA frame with END_STREAM. */
export function end(stream: number): Uint8Array {
  return frame(FRAME.data, FLAG.endStream, stream, new Uint8Array());
}

/** END_STREAM and RST_STREAM in one write. */
export function endAndReset(code: number): (stream: number) => Uint8Array {
  return (stream) => Uint8Array.of(...end(stream), ...reset(code)(stream));
}

/** A frame (RFC 9113, section 4.1). */
export function frame(
  type: number,
  flags: number,
  stream: number,
  payload: Uint8Array,
): Uint8Array {
  const head = new DataView(new ArrayBuffer(9));
  head.setUint32(0, payload.length << 8 | type);
  head.setUint8(4, flags);
  head.setUint32(5, stream);
  return joined([new Uint8Array(head.buffer), payload]);
}

function joined(pieces: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.length;
  }
  return all;
}

function latin1(value: string): Uint8Array {
  return Uint8Array.from(value, (char) => char.charCodeAt(0));
}
