/**
 * An HTTP/2 server that refuses a stream, goes away or closes gets a GET or HEAD at most twice, as the
 * runtime repeats these by itself. Modifying requests use HTTP/1.1.
 */
import assert from "node:assert/strict";
import { hostAndPort } from "../../src/config/values/host_names.ts";
import { HttpClient } from "../../src/network/http_client.ts";
import { CertificateAuthority, OPENSSL } from "../fixtures/certificate_authority.ts";
import { within } from "../fixtures/deadline.ts";
import { freePort, serveLoopback, untilListening } from "../fixtures/listening.ts";
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
  name: "HttpClient sends a GET or HEAD over HTTP/2 at most twice",
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
      for (const method of ["GET", "HEAD"]) {
        await t.step(
          `${method}, the server ${name}`,
          async () => {
            server.requests = 0;
            server.ending = ending;
            const sending = http.send(server.url, { method });
            await assert.rejects(within(10_000, "an end", sending), { code: "NET-002" });
            assert(server.requests >= 1 && server.requests <= 2, `${server.requests} requests`);
          },
        );
      }
    }
    http.close();
  },
}));

const NGINX = { name: "nginx", path: "/usr/sbin/nginx" };

/** Starts an HTTP/2 proxy that sends GOAWAY after every 20 requests of a connection. */
async function startNginx(
  targetPort: number,
  { certificatePem, keyPem }: { readonly certificatePem: string; readonly keyPem: string },
): Promise<{ readonly url: string } & AsyncDisposable> {
  const port = freePort();
  const directory = await Deno.makeTempDir();
  await Deno.writeTextFile(`${directory}/store.crt`, certificatePem);
  await Deno.writeTextFile(`${directory}/store.key`, keyPem);
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
    .map((name) => `${name}_temp_path ${directory}/${name};`).join(" ");
  await Deno.writeTextFile(
    `${directory}/nginx.conf`,
    `daemon off; master_process off; pid ${directory}/pid; error_log ${directory}/error.log;
    events {}
    http { access_log off; client_max_body_size 0; ${temporary}
      server { listen 127.0.0.1:${port} ssl http2; keepalive_requests 20;
        ssl_certificate ${directory}/store.crt; ssl_certificate_key ${directory}/store.key; ssl_protocols TLSv1.3;
        location / { proxy_pass http://127.0.0.1:${targetPort}; proxy_request_buffering off; }
      }
    }`,
  );
  const process = new Deno.Command(NGINX.path, {
    args: ["-c", `${directory}/nginx.conf`, "-e", `${directory}/error.log`],
    stdout: "null",
    stderr: "null",
  }).spawn();
  await untilListening("nginx", port);
  return {
    url: `https://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      process.kill("SIGKILL");
      await process.status;
      await Deno.remove(directory, { recursive: true });
    },
  };
}

Deno.test(needing(NGINX, {
  name: "No upload fails when an HTTP/2 store ends connections after some requests (nginx)",
  async fn() {
    await using store = serveLoopback(async (request) => {
      await request.body?.pipeTo(new WritableStream());
      return new Response("[]");
    });
    await using authorities = await CertificateAuthority.create();
    const issued = await authorities.issue({ commonName: "store", purpose: "server" });
    await using nginx = await startNginx(store.port, issued);
    const http = new HttpClient({
      allowlist: new Set([hostAndPort(nginx.url)]),
      caCertificatesPem: [authorities.certificatePem],
      http2: true,
    });
    const statuses = new Set<number>();
    const send = async (at: number) => {
      const body = at % 2 === 0 ? undefined : new Blob(["x".repeat(200_000)]).stream();
      const method = body === undefined ? "GET" : "POST";
      const response = await http.send(nginx.url, { method, ...(body && { body }) });
      statuses.add(response.status);
      await response.body?.cancel();
    };
    let next = 0;
    await Promise.all(Array.from({ length: 6 }, async () => {
      while (next < 300) await send(next++);
    }));
    assert.deepEqual([...statuses], [200]);
    http.close();
  },
}));
