/**
 * The framing of messages on either side (RFC 9112, section 6), as bytes on the wire: a proxy that takes an
 * absent body for a chunked one, or trusts a wrong length, changes the message.
 */
import assert from "node:assert/strict";
import { within } from "../fixtures/deadline.ts";
import { type GatewayProcess, startGateway } from "../fixtures/gateway_process.ts";
import { RawClient } from "../fixtures/raw_client.ts";
import { type RawExchange, startRawOrigin } from "../fixtures/raw_origin.ts";
import { FLAG, FRAME, Http2Client, requestHead } from "../security/http2_client.ts";

const LIMIT_MS = 10_000;
const TARGET = "/dicom-web/main/workitems/1.2";

/** Requests without a body, and the Content-Length that the store must receive. */
const BODILESS: [method: string, framing: Record<string, string>, length: string | null][] = [
  ["POST", {}, "0"],
  ["POST", { "content-length": "0" }, "0"],
  ["POST", { "content-length": "0", "content-type": "application/dicom+json" }, "0"],
  ["PUT", { "content-length": "0" }, "0"],
  ["DELETE", {}, null],
  ["OPTIONS", {}, null],
];

function gatewayBefore(url: string): Promise<GatewayProcess> {
  const Headers = { Authorization: "Bearer t" };
  return startGateway({ Servers: { main: { Url: url, ProviderType: "headers", Headers } } });
}

Deno.test("A request without a body reaches the store without one, so that it can be retried", async (t) => {
  const origin = startRawOrigin((exchange) => exchange.answer(200));
  await using gateway = await gatewayBefore(origin.url);
  for (const [method, framing, length] of BODILESS) {
    await t.step(`${method} with ${JSON.stringify(framing)}`, async () => {
      const seen = Promise.withResolvers<RawExchange>();
      origin.play((exchange) => {
        seen.resolve(exchange);
        return exchange.answer(200);
      });
      using client = await RawClient.connect(gateway.url);
      await client.write(client.head(method, TARGET, framing));
      const { status } = await within(LIMIT_MS, "an answer", client.answer());
      assert.equal(status, 200);
      const { headers } = await seen.promise;
      assert.equal(headers.get("transfer-encoding"), null);
      assert.equal(headers.get("content-length") ?? length, length);
    });
  }
  await t.step("DELETE is retried when the store is briefly unreachable", async () => {
    let count = 0;
    origin.play((exchange) => exchange.answer(count++ === 0 ? 503 : 200));
    using client = await RawClient.connect(gateway.url);
    await client.write(client.head("DELETE", TARGET));
    const { status } = await within(LIMIT_MS, "an answer", client.answer());
    assert.deepEqual([status, count], [200, 2]);
  });
  await origin.close();
});

const MULTIPART = "multipart/related; boundary=b";

Deno.test("An upload over HTTP/2 without Content-Length is stored completely", async () => {
  const text = `--b\r\n\r\n${"a".repeat(3_000_000)}\r\n--b--`;
  const origin = startRawOrigin(async (exchange) => {
    let bytes = 0;
    for await (const piece of exchange.body()) bytes += piece.length;
    await exchange.answer(200, String(bytes));
  });
  await using gateway = await gatewayBefore(origin.url);
  const child = new Deno.Command("curl", {
    args: [
      ...["-s", "--http2-prior-knowledge", "-X", "POST", "-H", `content-type: ${MULTIPART}`],
      ...["-T", "-", `${gateway.url}${TARGET}`],
    ],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(text));
  await writer.close();
  const { stdout } = await within(LIMIT_MS, "the end of curl", child.output());
  assert.equal(new TextDecoder().decode(stdout), String(text.length));
  await origin.close();
});

/** Codes of RST_STREAM (RFC 9113, section 7): NO_ERROR, INTERNAL_ERROR, CANCEL. */
const RESETS = [0, 2, 8];

Deno.test("An upload over HTTP/2 that the client aborts never looks complete to the store", async (t) => {
  const origin = startRawOrigin((exchange) => exchange.answer(200));
  await using gateway = await gatewayBefore(origin.url);
  const framings: readonly [name: string, value: string][][] = [
    [["content-type", MULTIPART]],
    [["content-type", MULTIPART], ["host", "gateway"]],
    [["content-type", "application/dicom+json"]],
    [["content-type", "application/dicom"], ["content-length", "100"]],
  ];
  for (const framing of framings) {
    for (const code of RESETS) {
      await t.step(`reset with ${code}, ${JSON.stringify(framing)}`, async () => {
        const ended = Promise.withResolvers<string>();
        const begun = Promise.withResolvers<void>();
        origin.play(async (exchange) => {
          try {
            for await (const _ of exchange.body()) begun.resolve();
            ended.resolve("whole");
          } catch (error) {
            ended.resolve((error as Error).name);
            throw error;
          }
        });
        using client = await Http2Client.connect(gateway.url);
        const stream = client.takeStream();
        const fields = [
          [":method", "POST"],
          [":scheme", "http"],
          [":authority", new URL(gateway.url).host],
          [":path", "/dicom-web/main/studies"],
          ...framing,
        ] as const;
        await client.write(requestHead(stream, fields, false));
        await client.send(FRAME.data, FLAG.none, stream, new TextEncoder().encode("half"));
        await within(LIMIT_MS, "the upload to begin", begun.promise);
        await client.send(FRAME.reset, FLAG.none, stream, Uint8Array.of(0, 0, 0, code));
        assert.equal(await within(LIMIT_MS, "its end", ended.promise), "CutError");
      });
    }
  }
  await origin.close();
});

Deno.test("An upload over HTTP/2 whose end cannot be verified is rejected with 411", async (t) => {
  let asked = 0;
  const origin = startRawOrigin((exchange) => (asked++, exchange.answer(200)));
  await using gateway = await gatewayBefore(origin.url);
  const types = ["application/dicom", "multipart/related", "application/octet-stream", undefined];
  for (const type of types) {
    await t.step(String(type), async () => {
      using client = await Http2Client.connect(gateway.url);
      const fields = [
        [":method", "POST"],
        [":scheme", "http"],
        [":authority", new URL(gateway.url).host],
        [":path", "/dicom-web/main/studies"],
        ...(type === undefined ? [] : [["content-type", type]] as const),
      ] as const;
      assert.equal(await within(LIMIT_MS, "an outcome", client.ask(fields, "DICM")), 411);
    });
  }
  assert.equal(asked, 0);
  await origin.close();
});

Deno.test("The connection closes after a request with both Content-Length and Transfer-Encoding", async (t) => {
  const origin = startRawOrigin((exchange) => exchange.answer(200));
  await using gateway = await gatewayBefore(origin.url);
  for (const target of [TARGET, "/dicom-web/unknown/studies"]) {
    await t.step(target, async () => {
      const lengths: (string | null)[] = [];
      origin.play(async (exchange) => {
        lengths.push(exchange.headers.get("content-length"));
        for await (const _ of exchange.body());
        await exchange.answer(200);
      });
      using client = await RawClient.connect(gateway.url);
      const framing = { "content-length": "4", "transfer-encoding": "chunked" };
      await client.write(
        client.head("POST", target, { "content-type": "application/dicom", ...framing }),
      );
      await client.write("3\r\nabc\r\n0\r\n\r\n");
      await client.write(client.head("GET", target));
      const { headers, body } = await within(LIMIT_MS, "an answer", client.answer());
      for await (const _ of body);
      assert.equal(headers.get("connection"), "close");
      await assert.rejects(within(LIMIT_MS, "the end", client.answer()));
      assert.deepEqual(lengths, target === TARGET ? [null] : []);
    });
  }
  await origin.close();
});

Deno.test("Chunked framing of a store takes precedence over its Content-Length", async (t) => {
  const origin = startRawOrigin((exchange) => exchange.answer(200));
  await using gateway = await gatewayBefore(origin.url);
  for (const type of ["application/dicom", "application/dicom+json"]) {
    for (const length of ["1", "4", "400"]) {
      await t.step(`${type}, a length of ${length} for 4 bytes`, async () => {
        origin.play(async (exchange) => {
          await exchange.writeHead(200, {
            "content-type": type,
            "content-length": length,
            "transfer-encoding": "chunked",
          });
          await exchange.write("4\r\n[{}]\r\n0\r\n\r\n");
        });
        using client = await RawClient.connect(gateway.url);
        await client.write(client.head("GET", "/dicom-web/main/studies"));
        const { text } = await within(LIMIT_MS, "an answer", client.answerText());
        assert.equal(text, "[{}]");
      });
    }
  }
  await t.step("a Content-Length without chunks shows that a body broke off", async () => {
    origin.play(async (exchange) => {
      await exchange.writeHead(200, { "content-length": "4", "transfer-encoding": "identity" });
      await exchange.write("[{");
      exchange.close();
    });
    using client = await RawClient.connect(gateway.url);
    await client.write(client.head("GET", "/dicom-web/main/studies/1.2"));
    // It breaks off so early that the client may not even receive the head.
    const whole = async () => await Array.fromAsync((await client.answer()).body);
    await assert.rejects(within(LIMIT_MS, "the end", whole()), /^CutError|ended before an answer/);
  });
  await origin.close();
});
