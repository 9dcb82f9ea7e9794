/**
 * Uploads that break off: over HTTP/1.1 and HTTP/2, in each way that clients and proxies abort them, on
 * each path through the gateway. The store never receives one as complete.
 */
import assert from "node:assert/strict";
import { CertificateAuthority, OPENSSL } from "../fixtures/certificate_authority.ts";
import { within } from "../fixtures/deadline.ts";
import { type GatewayProcess, startGateway } from "../fixtures/gateway_process.ts";
import { HAPROXY, startHaproxy } from "../fixtures/haproxy.ts";
import { needing, NODE } from "../fixtures/installed_tool.ts";
import { RawClient } from "../fixtures/raw_client.ts";
import { startRawOrigin } from "../fixtures/raw_origin.ts";
import {
  end,
  endAndReset,
  FLAG,
  FRAME,
  Http2Client,
  requestHead,
  reset,
} from "../security/http2_client.ts";

const LIMIT_MS = 20_000;
/** Longest time until a truncated upload would reach the store, were it taken for complete. */
const SETTLED_MS = 1_500;
/** Part of all truncated bodies: an upload that ends regularly with it was taken for complete. */
const HALF = "half of it";
/** A report on the instances of a request, which have no UID. */
function reportOn(body: string): string {
  const parts = body.match(/^--[^\r\n]*(?<!--)\r\n/gm) ?? [];
  return JSON.stringify({ "00081199": { vr: "SQ", Value: parts.map(() => ({})) } });
}

interface Upload {
  readonly path: string;
  readonly type: string;
  readonly body: string;
}

const STUDIES: Upload = {
  path: "/studies",
  type: 'multipart/related; type="application/dicom"; boundary=b',
  body: `--b\r\n\r\nDICM\r\n--b\r\n\r\n${HALF}`,
};
const WORKITEM: Upload = {
  path: "/workitems",
  type: "application/dicom+json",
  body: `[{"00741000":{"vr":"CS","Value":["SCHEDULED"]}},{"x":"${HALF}"`,
};
const XML: Upload = {
  path: "/workitems",
  type: "application/dicom+xml",
  body: `<NativeDicomModel><DicomAttribute tag="00741000"/><DicomAttribute><Value>${HALF}`,
};
const INSTANCE: Upload = { path: "/studies", type: "application/dicom", body: `DICM${HALF}` };
const UPLOADS = { STUDIES, WORKITEM, XML, INSTANCE };
/** Longer than the body. */
const LENGTH = "20000";

const KEYS = {
  ProviderType: "aws",
  Region: "eu-west-1",
  AccessKeyId: "AKIAIOSFODNN7EXAMPLE",
  SecretAccessKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
};
const PLAIN = { ProviderType: "bearer", Token: "t" };

/** The paths through the gateway: unchanged and rewritten, watched, hashed, signed in chunks, split. */
const SERVERS = {
  plain: PLAIN,
  watched: { ...PLAIN, Timeouts: { IdleSeconds: 30 } },
  hashed: { ...KEYS, PayloadSigning: "sha256" },
  framed: { ...KEYS, PayloadSigning: "streaming" },
  split: { ...PLAIN, Rules: { StoreMaxInstances: 1 } },
};

function plainAndWatched(keys: Readonly<Record<string, unknown>>) {
  return {
    Servers: { plain: { ...SERVERS.plain, ...keys }, watched: { ...SERVERS.watched, ...keys } },
  };
}

/** The uploads that began at a store, and those of them that ended regularly. */
class Watch {
  readonly begun = new Set<string>();
  readonly whole = new Map<string, string>();

  ended(target: string, body: string): void {
    // A request with the complete parts that was split off is a valid one.
    if (body.includes(HALF)) this.whole.set(numberIn(target), body);
  }
}

function numberIn(target: string): string {
  return new URL(target, "http://store").searchParams.get("n") ?? "";
}

/** A store over HTTP/1.1 that reads everything. */
function startStore(watch: Watch): ReturnType<typeof startRawOrigin> {
  return startRawOrigin(async (exchange) => {
    watch.begun.add(numberIn(exchange.target));
    let body = "";
    for await (const piece of exchange.body()) body += new TextDecoder().decode(piece);
    watch.ended(exchange.target, body);
    await exchange.answer(200, reportOn(body), { "content-type": "application/dicom+json" });
  });
}

type Fields = readonly (readonly [name: string, value: string])[];

/** Fields for the length of a body over HTTP/2. */
const FIELDS: Record<string, Fields> = {
  "no length": [],
  "no length, with Host": [["host", "gateway"]],
  "a length": [["content-length", LENGTH]],
  "a length, with Host": [["content-length", LENGTH], ["host", "gateway"]],
};

/** How a client aborts an upload (RFC 9113, section 7: NO_ERROR, INTERNAL_ERROR, CANCEL). */
const ENDS: Record<string, (stream: number) => Uint8Array> = {
  "RST_STREAM with NO_ERROR": reset(0),
  "RST_STREAM with INTERNAL_ERROR": reset(2),
  "RST_STREAM with CANCEL": reset(8),
  "END_STREAM": end,
  "END_STREAM and CANCEL at once": endAndReset(8),
  "END_STREAM and NO_ERROR at once": endAndReset(0),
};

let count = 0;

async function cutOverHttp2(
  url: string,
  server: string,
  { path, type, body }: Upload,
  fields: Fields,
  endOf: (stream: number) => Uint8Array,
): Promise<void> {
  using client = await Http2Client.connect(url);
  const stream = client.takeStream();
  const head = requestHead(stream, [
    [":method", "POST"],
    [":scheme", "http"],
    [":authority", new URL(url).host],
    [":path", `/dicom-web/${server}${path}?n=${++count}`],
    ["content-type", type],
    ...fields,
  ], false);
  await client.write(head);
  await client.send(FRAME.data, FLAG.none, stream, new TextEncoder().encode(body));
  await pause(10);
  await client.write(endOf(stream));
  await pause(20);
}

async function cutOverHttp1(
  url: string,
  server: string,
  { path, type, body }: Upload,
  hasLength: boolean,
): Promise<void> {
  using client = await RawClient.connect(url);
  const framing: Record<string, string> = hasLength
    ? { "content-length": LENGTH }
    : { "transfer-encoding": "chunked" };
  const target = `/dicom-web/${server}${path}?n=${++count}`;
  await client.write(client.head("POST", target, { "content-type": type, ...framing }));
  await client.write(hasLength ? body : `${body.length.toString(16)}\r\n${body}\r\n`);
  await pause(20);
}

Deno.test("no upload that its client aborts reaches the store as complete", async (t) => {
  const watch = new Watch();
  const origin = startStore(watch);
  const names = Object.keys(SERVERS);
  const Servers = Object.fromEntries(
    Object.entries(SERVERS).map(([name, server]) => [name, { Url: origin.url, ...server }]),
  );
  await using gateway = await startGateway({ Servers });
  for (const server of names) {
    for (const [what, upload] of Object.entries(UPLOADS)) {
      await t.step(`${server}, ${what}`, () =>
        within(
          LIMIT_MS,
          "all of them",
          (async () => {
            for (const [framing, fields] of Object.entries(FIELDS)) {
              for (const [how, endOf] of Object.entries(ENDS)) {
                await cutOverHttp2(gateway.url, server, upload, fields, endOf);
                assert.ok(!watch.whole.has(String(count)), `HTTP/2, ${framing}, ${how}`);
              }
            }
            for (const hasLength of [true, false]) {
              await cutOverHttp1(gateway.url, server, upload, hasLength);
            }
          })(),
        ));
    }
  }
  await pause(SETTLED_MS);
  await t.step(`tried: ${count}, of which ${watch.begun.size} began at the store`, () => {
    assert.deepEqual([...watch.whole], []);
    assert.ok(watch.begun.size > 100);
  });
  await t.step("the same uploads arrive if they are complete", async () => {
    watch.whole.clear();
    await sendWhole(gateway, names);
    assert.equal(watch.whole.size, names.length * 3);
  });
  await origin.close();
});

const WHOLE: readonly Upload[] = [
  { ...STUDIES, body: `${STUDIES.body}\r\n--b--` },
  { ...WORKITEM, body: `${WORKITEM.body}}]` },
  { ...XML, body: `${XML.body}</Value></DicomAttribute></NativeDicomModel>` },
];

/** Sends the complete bodies, over HTTP/2 and without a length. */
async function sendWhole(gateway: GatewayProcess, servers: readonly string[]): Promise<void> {
  for (const server of servers) {
    for (const { path, type, body } of WHOLE) {
      using client = await Http2Client.connect(gateway.url);
      const fields = [
        [":method", "POST"],
        [":scheme", "http"],
        [":authority", new URL(gateway.url).host],
        [":path", `/dicom-web/${server}${path}?n=${++count}`],
        ["content-type", type],
      ] as const;
      const status = await within(LIMIT_MS, "an answer", client.ask(fields, body));
      assert.equal(status, 200, `${server}${path}`);
    }
  }
}

Deno.test(needing(OPENSSL, {
  name: "no upload that breaks off reaches an HTTP/2 store as complete",
  async fn() {
    await using authority = await CertificateAuthority.create();
    const issued = await authority.issue({ commonName: "store", purpose: "server" });
    const watch = new Watch();
    const store = Deno.serve({
      hostname: "127.0.0.1",
      port: 0,
      cert: issued.certificatePem,
      key: issued.keyPem,
      onListen: () => {},
      onError: () => new Response(),
    }, async (request) => {
      watch.begun.add(numberIn(request.url));
      watch.ended(request.url, await request.text());
      return new Response();
    });
    const ca = await Deno.makeTempFile({ suffix: ".crt" });
    await Deno.writeTextFile(ca, authority.certificatePem);
    const server = {
      Url: `https://127.0.0.1:${store.addr.port}`,
      VerifySSL: ca,
      Http2: true,
      Rules: { StoreAnswerAsJson: false },
    };
    await using gateway = await startGateway(plainAndWatched(server));
    const first = count;
    for (const name of ["plain", "watched"]) {
      for (const upload of Object.values(UPLOADS)) {
        for (const fields of Object.values(FIELDS)) {
          for (const endOf of Object.values(ENDS)) {
            await cutOverHttp2(gateway.url, name, upload, fields, endOf);
          }
        }
        for (const hasLength of [true, false]) {
          await cutOverHttp1(gateway.url, name, upload, hasLength);
        }
      }
    }
    await pause(SETTLED_MS);
    assert.deepEqual([...watch.whole], [], `of ${count - first}`);
    assert.ok(watch.begun.size > 40, `${watch.begun.size} begun`);
    await gateway.stop();
    await store.shutdown();
    await Deno.remove(ca);
  },
}));

Deno.test(needing(HAPROXY, {
  name: "no upload that breaks off behind HAProxy over HTTP/2 reaches the store as complete",
  async fn() {
    const watch = new Watch();
    const origin = startStore(watch);
    await using gateway = await startGateway(plainAndWatched({ Url: origin.url }));
    await using proxy = await startHaproxy(new URL(gateway.url).host);
    for (const server of ["plain", "watched"]) {
      for (const upload of [STUDIES, INSTANCE]) {
        for (const hasLength of [true, false]) {
          for (let times = 0; times < 8; times++) {
            await cutOverHttp1(proxy.url, server, upload, hasLength);
          }
        }
      }
    }
    await pause(SETTLED_MS);
    assert.deepEqual([...watch.whole], []);
    assert.ok(watch.begun.size > 16, `${watch.begun.size} begun`);
    await origin.close();
  },
}));

/** Node's client ends the stream and resets it in one step when closed. */
const NODE_CLIENT = `
const http2 = require("node:http2");
const { setTimeout: pause } = require("node:timers/promises");
(async () => {
  const session = http2.connect(process.argv[1]);
  for (const { headers, body } of JSON.parse(process.argv[2])) {
    const stream = session.request(headers, { endStream: false }).on("error", () => {});
    await new Promise((resolve) => stream.write(body, resolve));
    await pause(30);
    stream.close(http2.constants.NGHTTP2_CANCEL);
    await pause(30);
  }
  session.destroy();
})();
`;

Deno.test(needing(NODE, {
  name: "no upload that Node's client aborts over HTTP/2 reaches the store as complete",
  async fn() {
    const watch = new Watch();
    const origin = startStore(watch);
    await using gateway = await startGateway(plainAndWatched({ Url: origin.url }));
    const requests = ["plain", "watched"].flatMap((server) =>
      [STUDIES, WORKITEM, INSTANCE].flatMap(({ path, type, body }) =>
        Object.values(FIELDS).map((fields) => ({
          headers: {
            ":method": "POST",
            ":path": `/dicom-web/${server}${path}?n=${++count}`,
            "content-type": type,
            ...Object.fromEntries(fields),
            // Node sends it in place of :authority.
            ...(fields.some(([name]) => name === "host") && { host: new URL(gateway.url).host }),
          },
          body,
        }))
      )
    );
    const args = ["-e", NODE_CLIENT, gateway.url, JSON.stringify(requests)];
    const node = new Deno.Command(NODE.path, { args }).output();
    assert.ok((await within(LIMIT_MS, "Node", node)).success);
    await pause(SETTLED_MS);
    assert.deepEqual([...watch.whole], []);
    // Of 24, of which four are rejected; on a busy machine some are aborted before they are forwarded.
    assert.ok(watch.begun.size > 10, `${watch.begun.size} begun`);
    await origin.close();
  },
}));

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
