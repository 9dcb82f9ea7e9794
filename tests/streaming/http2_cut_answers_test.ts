/**
 * An HTTP/2 store that aborts its responses, frame by frame: whether or not the runtime distinguishes this
 * from a regular end, it never reaches the client as a complete response.
 */
import assert from "node:assert/strict";
import { CertificateAuthority, OPENSSL } from "../fixtures/certificate_authority.ts";
import { within } from "../fixtures/deadline.ts";
import { startGateway } from "../fixtures/gateway_process.ts";
import { needing } from "../fixtures/installed_tool.ts";
import { end, endAndReset, FLAG, FRAME, frame, literal, reset } from "../security/http2_client.ts";

const LIMIT_MS = 10_000;
const PREFACE_BYTES = 24;
const HEAD_BYTES = 9;
const LENGTH = 20_000;
/** The entry of HPACK's static table for `:status: 200`. */
const STATUS_200 = 0x88;

interface Answer {
  readonly type: string;
  /** The part that is sent. */
  readonly begin: string;
  /** The missing part. */
  readonly rest: string;
}

const filler = "a".repeat(6_000);
const ANSWERS: Record<string, Answer> = {
  multipart: {
    type: 'multipart/related; type="application/dicom"; boundary=b',
    begin: `--b\r\n\r\n${filler}`,
    rest: "\r\n--b--",
  },
  json: { type: "application/dicom+json", begin: `[{"a":"${filler}"}`, rest: "]" },
  xml: { type: "application/dicom+xml", begin: `<a><b>${filler}</b>`, rest: "</a>" },
  dicom: { type: "application/dicom", begin: filler, rest: filler },
};

/** How the store ends an incomplete response. */
const CUTS: Record<string, ((id: number) => Uint8Array) | "close"> = {
  "NO_ERROR": reset(0),
  "INTERNAL_ERROR": reset(2),
  "REFUSED_STREAM": reset(7),
  "CANCEL": reset(8),
  "END_STREAM": end,
  "END_STREAM and CANCEL": endAndReset(8),
  "END_STREAM and NO_ERROR": endAndReset(0),
  "the connection": "close",
};

/** The store's next response. */
interface Plan {
  readonly answer: Answer;
  readonly length: number | undefined;
  /** Complete unless given. */
  readonly cut?: ((id: number) => Uint8Array) | "close";
}

let plan: Plan;

async function serve(conn: Deno.TlsConn): Promise<void> {
  const reader = conn.readable.getReader();
  let held = new Uint8Array();
  let skipped = PREFACE_BYTES;
  const write = async (bytes: Uint8Array) => {
    for (let at = 0; at < bytes.length;) at += await conn.write(bytes.subarray(at));
  };
  await write(frame(FRAME.settings, FLAG.none, 0, new Uint8Array()));
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    held = Uint8Array.of(...held, ...value);
    while (held.length >= skipped + HEAD_BYTES) {
      const head = new DataView(held.buffer, skipped);
      const payload = head.getUint32(0) >>> 8;
      if (held.length < skipped + HEAD_BYTES + payload) break;
      const [type, flags, id] = [held[skipped + 3]!, head.getUint8(4), head.getUint32(5)];
      held = held.slice(skipped + HEAD_BYTES + payload);
      skipped = 0;
      if (type === FRAME.settings && (flags & 1) === 0) {
        await write(frame(FRAME.settings, 1, 0, new Uint8Array()));
      }
      if (type === FRAME.headers) await answer(id & 0x7fff_ffff);
    }
  }

  async function answer(id: number): Promise<void> {
    const { answer: { type, begin, rest }, length, cut } = plan;
    const fields = [Uint8Array.of(STATUS_200), literal("content-type", type)];
    if (length !== undefined) fields.push(literal("content-length", String(length)));
    const block = Uint8Array.from(fields.flatMap((field) => [...field]));
    const data = new TextEncoder().encode(cut === undefined ? begin + rest : begin);
    await write(frame(FRAME.headers, FLAG.endHeaders, id, block));
    await write(frame(FRAME.data, cut === undefined ? FLAG.endStream : FLAG.none, id, data));
    if (cut === undefined) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
    if (cut === "close") conn.close();
    else await write(cut(id));
  }
}

const SINGLE = "/studies/1.2/series/1.3/instances/1.4";
const WAYS: [server: string, path: string, accept: string, answer: string][] = [
  ["plain", "/studies/1.2", "multipart/related", "multipart"],
  ["plain", "/studies/1.2/metadata", "application/dicom+json", "json"],
  ["plain", "/studies/1.2/metadata", "application/dicom+xml", "xml"],
  ["plain", SINGLE, "application/dicom", "dicom"],
  ["plain", SINGLE, 'multipart/related; type="application/dicom"', "dicom"],
  ["watched", "/studies/1.2", "multipart/related", "multipart"],
  ["watched", "/studies/1.2/metadata", "application/dicom+json", "json"],
  ["watched", SINGLE, "application/dicom", "dicom"],
  ["native", "/studies/1.2/metadata", "application/dicom+json", "json"],
];

Deno.test(needing(OPENSSL, {
  name: "no response that a store aborts over HTTP/2 is presented as complete",
  async fn(t) {
    await using authority = await CertificateAuthority.create();
    const { certificatePem: cert, keyPem: key } = await authority.issue({
      commonName: "store",
      purpose: "server",
    });
    const listener = Deno.listenTls({
      hostname: "127.0.0.1",
      port: 0,
      cert,
      key,
      alpnProtocols: ["h2"],
    });
    const serving = (async () => {
      for await (const conn of listener) serve(conn).catch(() => {});
    })();
    const ca = await Deno.makeTempFile({ suffix: ".crt" });
    await Deno.writeTextFile(ca, authority.certificatePem);
    const server = {
      ProviderType: "none",
      Url: `https://127.0.0.1:${listener.addr.port}`,
      VerifySSL: ca,
      Http2: true,
    };
    await using gateway = await startGateway({
      Servers: {
        plain: server,
        watched: { ...server, Timeouts: { IdleSeconds: 30 } },
        native: { ...server, Rules: { RewriteUrls: false } },
      },
    });
    let tried = 0;
    for (const [name, path, accept, what] of WAYS) {
      await t.step(`${name}, ${what}, ${accept}`, async () => {
        const answer = ANSWERS[what]!;
        const ask = async (next: Plan) => {
          plan = next;
          const url = `${gateway.url}/dicom-web/${name}${path}`;
          return await within(LIMIT_MS, "an answer", outcome(url, accept));
        };
        for (const length of [LENGTH, undefined]) {
          for (const [how, cut] of Object.entries(CUTS)) {
            // Without a length, a response that ends here is complete.
            if (length === undefined && how.startsWith("END_STREAM") && what === "dicom") continue;
            tried++;
            assert.equal(await ask({ answer, length, cut }), "broken", `${how}, length ${length}`);
          }
        }
        const { length } = answer.begin + answer.rest;
        assert.equal(await ask({ answer, length }), "whole");
        const withoutLength = what === "dicom" ? "broken" : "whole";
        assert.equal(await ask({ answer, length: undefined }), withoutLength);
      });
    }
    await t.step(`tried: ${tried}`, () => assert.ok(tried > 100));
    await gateway.stop();
    listener.close();
    await serving.catch(() => {});
    await Deno.remove(ca);
  },
  // The store's connections end with the gateway.
  sanitizeResources: false,
  sanitizeOps: false,
}));

async function outcome(url: string, accept: string): Promise<"whole" | "broken"> {
  try {
    const response = await fetch(url, { headers: { accept } });
    await response.bytes();
    return response.ok ? "whole" : "broken";
  } catch {
    return "broken";
  }
}
