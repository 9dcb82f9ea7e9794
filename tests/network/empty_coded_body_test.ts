/** Empty and truncated bodies with a coding, as the runtime's `fetch` receives them. */
import assert from "node:assert/strict";
import { createSecureServer } from "node:http2";
import { hostAndPort } from "../../src/config/values/host_names.ts";
import { HttpClient } from "../../src/network/http_client.ts";
import { CertificateAuthority, OPENSSL } from "../fixtures/certificate_authority.ts";
import { needing } from "../fixtures/installed_tool.ts";
import { type RawExchange, startRawOrigin } from "../fixtures/raw_origin.ts";

const GZIP = { "content-encoding": "gzip" };
const JSON_TYPE = { "content-type": "application/dicom+json" };
const gzip = (text: string) =>
  new Response(new Blob([text]).stream().pipeThrough(new CompressionStream("gzip"))).bytes();
const HELLO = await gzip("hello");
/** Enough that the decoder has written something before it notices the end. */
const LONG = await gzip(Array.from({ length: 20_000 }, (_, at) => `${at * 7919}`).join());

/** An answer, and its body as the client has it; undefined if it must fail. */
const ANSWERS: Record<string, {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  readonly cutShort?: true;
  readonly expected: string | undefined;
}> = {
  "an empty success of a length": {
    status: 200,
    headers: { ...GZIP, "content-length": "0" },
    expected: "",
  },
  "an empty success in chunks": {
    status: 201,
    headers: { ...GZIP, "transfer-encoding": "chunked" },
    expected: "",
  },
  "an empty success in br": {
    status: 200,
    headers: { "content-encoding": "br", "content-length": "0" },
    expected: "",
  },
  "an empty rejection with a type": {
    status: 409,
    headers: { ...GZIP, ...JSON_TYPE, "content-length": "0" },
    expected: "",
  },
  "an empty rejection without a coding": {
    status: 409,
    headers: { "content-length": "0" },
    expected: "",
  },
  "a rejection with a body": { status: 409, headers: GZIP, body: HELLO, expected: "hello" },
  "a success without a type": { status: 200, headers: GZIP, body: HELLO, expected: "hello" },
  "a success with a type that is empty": {
    status: 200,
    headers: { ...GZIP, ...JSON_TYPE, "content-length": "0" },
    expected: undefined,
  },
  "a success that is truncated": {
    status: 200,
    headers: { ...GZIP, ...JSON_TYPE },
    body: HELLO.subarray(0, 12),
    expected: undefined,
  },
  "a rejection whose connection ends": {
    status: 409,
    headers: { ...GZIP, "content-length": "30" },
    body: HELLO.subarray(0, 2),
    cutShort: true,
    expected: undefined,
  },
  "a rejection that is truncated after its beginning": {
    status: 409,
    headers: GZIP,
    body: LONG.subarray(0, -3),
    expected: undefined,
  },
};

for (const [name, { status, headers, body, cutShort, expected }] of Object.entries(ANSWERS)) {
  Deno.test(`HttpClient: ${name}, to an upload, ${expected === undefined ? "fails" : "passes"}`, async () => {
    const answer = async (exchange: RawExchange) => {
      for await (const _ of exchange.body());
      const framing = "content-length" in headers || "transfer-encoding" in headers
        ? {}
        : { "content-length": String(body?.length ?? 0) };
      await exchange.writeHead(status, { ...headers, ...framing });
      if (body !== undefined) await exchange.write(body);
      if ("transfer-encoding" in headers) await exchange.write("0\r\n\r\n");
      if (cutShort) exchange.close();
    };
    const origin = startRawOrigin(answer);
    const http = new HttpClient({ allowlist: new Set([hostAndPort(origin.url)]) });
    try {
      const upload = new Blob(["images"]).stream();
      const response = await http.send(origin.url, { method: "POST", body: upload });
      assert.equal(response.status, status);
      if (expected === undefined) await assert.rejects(response.text());
      else assert.equal(await response.text(), expected);
    } finally {
      http.close();
      await origin.close();
    }
  });
}

Deno.test(needing(OPENSSL, {
  name: "HttpClient: an empty body said to be gzip passes over HTTP/2",
  async fn() {
    await using authority = await CertificateAuthority.create();
    const { certificatePem, keyPem } = await authority.issue({
      commonName: "store",
      purpose: "server",
    });
    const server = createSecureServer({ cert: certificatePem, key: keyPem });
    server.on("stream", (stream) => {
      stream.respond({ ":status": 200, ...GZIP });
      stream.end();
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    assert(typeof address === "object" && address !== null);
    const url = `https://127.0.0.1:${address.port}/`;
    const http = new HttpClient({
      allowlist: new Set([hostAndPort(url)]),
      caCertificatesPem: [authority.certificatePem],
      http2: true,
    });
    try {
      const response = await http.send(url);
      assert.equal(response.status, 200);
      assert.equal(await response.text(), "");
    } finally {
      http.close();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    }
  },
}));
