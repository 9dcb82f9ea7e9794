/**
 * An HTTP/2 server that refuses a stream, goes away or closes gets modifying requests once, and a GET or HEAD at
 * most twice, as the runtime repeats these by itself.
 */
import assert from "node:assert/strict";
import { hostAndPort } from "../../src/config/values/host_names.ts";
import { HttpClient, type RequestBody } from "../../src/network/http_client.ts";
import { CertificateAuthority, OPENSSL } from "../fixtures/certificate_authority.ts";
import { within } from "../fixtures/deadline.ts";
import { needing } from "../fixtures/installed_tool.ts";
import { FLAG, FRAME } from "../security/http2_client.ts";

const PREFACE_BYTES = 24;
const HEAD_BYTES = 9;
const ACK = 1;

/** How the server ends a request that it has received completely. */
type Ending = (
  send: (type: number, stream: number, payload: Uint8Array) => Promise<void>,
  stream: number,
  close: () => void,
) => Promise<void>;

const ENDINGS: Record<string, Ending> = {
  "refuses the stream": (send, stream) => send(FRAME.reset, stream, Uint8Array.of(0, 0, 0, 7)),
  "goes away": async (send, _, close) => {
    await send(FRAME.goAway, 0, new Uint8Array(8));
    close();
  },
  "closes": (_, __, close) => Promise.resolve(close()),
};

const REQUESTS: [
  what: string,
  method: string,
  body: (() => RequestBody) | undefined,
  most: number,
][] = [
  ["GET", "GET", undefined, 2],
  ["HEAD", "HEAD", undefined, 2],
  ["DELETE", "DELETE", undefined, 1],
  ["POST without body", "POST", undefined, 1],
  ["PUT without body", "PUT", undefined, 1],
  ["POST of text", "POST", () => "text", 1],
  ["PUT of bytes", "PUT", () => new Uint8Array(4000), 1],
  ["POST of a stream", "POST", () => new Blob(["stream"]).stream(), 1],
];

class RefusingServer implements AsyncDisposable {
  requests = 0;
  ending: Ending = ENDINGS["closes"]!;
  readonly #listener: Deno.TlsListener;
  readonly #serving: Promise<void>;

  constructor(cert: string, key: string) {
    const address = { hostname: "127.0.0.1", port: 0 };
    this.#listener = Deno.listenTls({ ...address, cert, key, alpnProtocols: ["h2"] });
    this.#serving = this.#accept();
  }

  get url(): string {
    return `https://127.0.0.1:${(this.#listener.addr as Deno.NetAddr).port}/`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    await this.#serving;
  }

  async #accept(): Promise<void> {
    const serving: Promise<void>[] = [];
    for await (const conn of this.#listener) serving.push(this.#serve(conn).catch(() => {}));
    await Promise.all(serving);
  }

  async #serve(conn: Deno.TlsConn): Promise<void> {
    using _ = { [Symbol.dispose]: () => close() };
    let isOpen = true;
    const close = () => {
      if (isOpen) conn.close();
      isOpen = false;
    };
    const send = async (type: number, stream: number, payload: Uint8Array, flags = 0) => {
      const frame = new Uint8Array(HEAD_BYTES + payload.length);
      const view = new DataView(frame.buffer);
      view.setUint16(1, payload.length);
      frame.set([type, flags], 3);
      view.setUint32(5, stream);
      frame.set(payload, HEAD_BYTES);
      for (let sent = 0; sent < frame.length;) sent += await conn.write(frame.subarray(sent));
    };
    await send(FRAME.settings, 0, new Uint8Array());
    await exactly(conn, PREFACE_BYTES);
    while (isOpen) {
      const head = await exactly(conn, HEAD_BYTES);
      const view = new DataView(head.buffer);
      await exactly(conn, view.getUint16(1));
      const [type, flags, stream] = [head[3]!, head[4]!, view.getUint32(5)];
      if (type === FRAME.settings && !(flags & ACK)) {
        await send(FRAME.settings, 0, new Uint8Array(), ACK);
      }
      if (type === FRAME.headers) this.requests++;
      if ((type === FRAME.headers || type === FRAME.data) && flags & FLAG.endStream) {
        await this.ending(send, stream, close);
      }
    }
  }
}

async function exactly(conn: Deno.TlsConn, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  for (let read = 0; read < length;) {
    const count = await conn.read(bytes.subarray(read));
    if (count === null) throw new Error("the client has gone");
    read += count;
  }
  return bytes;
}

Deno.test(needing(OPENSSL, {
  name: "HttpClient sends modifying requests over HTTP/2 once, and GET and HEAD at most twice",
  async fn(t) {
    await using authorities = await CertificateAuthority.create();
    const request = { commonName: "store", purpose: "server" } as const;
    const { certificatePem, keyPem } = await authorities.issue(request);
    await using server = new RefusingServer(certificatePem, keyPem);
    const http = new HttpClient({
      allowlist: new Set([hostAndPort(server.url)]),
      caCertificatesPem: [authorities.certificatePem],
      http2: true,
    });
    for (const [name, ending] of Object.entries(ENDINGS)) {
      for (const [what, method, body, most] of REQUESTS) {
        await t.step(
          `${what}, the server ${name}`,
          async () => {
            server.requests = 0;
            server.ending = ending;
            const sending = http.send(server.url, { method, ...(body && { body: body() }) });
            await assert.rejects(within(10_000, "an end", sending), { code: "NET-002" });
            assert(server.requests >= 1 && server.requests <= most, `${server.requests} requests`);
          },
        );
      }
    }
    http.close();
  },
}));
