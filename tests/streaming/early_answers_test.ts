/**
 * A store may answer before it has read a large upload, and then stop reading. The client must receive a
 * response, whatever happens to the connection behind the gateway.
 */
import assert from "node:assert/strict";
import { within } from "../fixtures/deadline.ts";
import { startGateway } from "../fixtures/gateway_process.ts";
import { RawClient } from "../fixtures/raw_client.ts";
import { type RawExchange, startRawOrigin } from "../fixtures/raw_origin.ts";

const BLOCK = new Uint8Array(256 * 1024).fill(0x61);
const BLOCK_CHUNK = new TextEncoder().encode(
  `${BLOCK.length.toString(16)}\r\n${"a".repeat(BLOCK.length)}\r\n`,
);
const GIB = 1024 ** 3;
const BLOCKS = GIB / BLOCK.length;
const LIMIT_MS = 30_000;

/** What stores do with the connection after an early response. */
const MANNERS: Record<string, (exchange: RawExchange, status: number) => Promise<void>> = {
  "with Connection: close and a lingering close": async (exchange, status) => {
    await exchange.answer(status, "early", { connection: "close" });
    await exchange.lingeringClose();
  },
  "without Connection: close, reading the rest": async (exchange, status) => {
    await exchange.answer(status, "early");
    for await (const _ of exchange.body());
  },
  "without Connection: close, reading nothing more": async (exchange, status) => {
    await exchange.answer(status, "early");
    await new Promise((resolve) => setTimeout(resolve, 500));
    exchange.close();
  },
};

const FRAMINGS = {
  "Content-Length": { headers: { "content-length": String(GIB) }, block: BLOCK },
  "chunked": { headers: { "transfer-encoding": "chunked" }, block: BLOCK_CHUNK },
};

Deno.test("A store's response before it has read a 1 GiB upload reaches the client", async (t) => {
  const origin = startRawOrigin((exchange) => exchange.answer(200));
  await using gateway = await startGateway({
    Servers: { main: { Url: origin.url, ProviderType: "none" } },
  });
  for (const [manner, answer] of Object.entries(MANNERS)) {
    for (const [framing, { headers, block }] of Object.entries(FRAMINGS)) {
      await t.step(`413 ${manner}, ${framing}`, async () => {
        origin.play((exchange) => answer(exchange, 413));
        const { status, text } = await uploadUntilAnswered(gateway.url, headers, block);
        assert.deepEqual([status, text], [413, "early"]);
      });
      await t.step(`413 ${manner}, ${framing}, to a client that reads late`, async () => {
        origin.play((exchange) => answer(exchange, 413));
        const { status, text } = await uploadThenRead(gateway.url, headers, block);
        assert.deepEqual([status, text], [413, "early"]);
      });
      await t.step(`401 ${manner}, ${framing}`, async () => {
        origin.play((exchange) => answer(exchange, 401));
        const { status, text } = await uploadUntilAnswered(gateway.url, headers, block);
        // The first rejection discards the token and reports that. If a store keeps rejecting new ones,
        // its own response is passed on: the token is not the cause.
        if (status === 401) assert.equal(text, "early");
        else assert.deepEqual([status, JSON.parse(text).error_code], [502, "TOK-002"]);
      });
    }
  }
  await origin.close();
});

Deno.test("A store that resets the connection of a 1 GiB upload leaves no client hanging", async (t) => {
  const origin = startRawOrigin((exchange) => exchange.answer(200));
  await using gateway = await startGateway({
    Servers: { main: { Url: origin.url, ProviderType: "none" } },
  });
  for (const [framing, { headers, block }] of Object.entries(FRAMINGS)) {
    await t.step(`after a response, ${framing}`, async () => {
      origin.play(async (exchange) => {
        await exchange.answer(413, "early", { connection: "close" });
        exchange.close();
      });
      const { status } = await uploadUntilAnswered(gateway.url, headers, block);
      // The reset may discard the response before the gateway has read it.
      assert.ok(status === 413 || status === 502, `answered ${status}`);
    });
    await t.step(`without a response, ${framing}`, async () => {
      origin.play((exchange) => Promise.resolve(exchange.close()));
      const { status, text } = await uploadUntilAnswered(gateway.url, headers, block);
      assert.equal(JSON.parse(text).error_code, "NET-002");
      assert.equal(status, 502);
    });
  }
  await origin.close();
});

/** Responses of the gateway without a request to a store. */
const REFUSED: [status: number, target: string][] = [
  [404, "/dicom-web/unknown/studies"],
  [400, "/dicom-web/main/%2e%2e/studies"],
  [405, "/dicomweb-oauth/status"],
];

Deno.test("The gateway's own response to an upload reaches a client that keeps sending, over HTTP/2 too", async (t) => {
  await using gateway = await startGateway({
    Servers: {
      main: { Url: "http://127.0.0.1:9", ProviderType: "headers", Headers: { Authorization: "t" } },
    },
  });
  for (const [status, target] of REFUSED) {
    for (const version of ["--http2-prior-knowledge", "--http1.1"]) {
      await t.step(`${status}, ${version}`, async () => {
        for (let count = 0; count < 5; count++) {
          assert.deepEqual(await curlUpload(version, gateway.url + target), [0, String(status)]);
        }
      });
    }
  }
  await t.step("an endless upload is cut off", async () => {
    using client = await RawClient.connect(gateway.url);
    await client.write(client.head("POST", "/dicom-web/unknown/studies", {
      "content-length": String(GIB),
    }));
    const sending = (async () => {
      for (;;) {
        await client.write("a");
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    })();
    await within(LIMIT_MS, "the end of the connection", assert.rejects(sending));
  });
});

Deno.test("A store's response before it has read an upload over HTTP/2 reaches the client", async (t) => {
  const origin = startRawOrigin((exchange) => exchange.answer(200));
  const Headers = { Authorization: "t" };
  await using gateway = await startGateway({
    Servers: { main: { Url: origin.url, ProviderType: "headers", Headers } },
  });
  for (const [manner, answer] of Object.entries(MANNERS)) {
    // The reset at its end may discard the response.
    if (manner.endsWith("nothing more")) continue;
    for (const status of [401, 413]) {
      await t.step(`${status} ${manner}`, async () => {
        origin.play((exchange) => answer(exchange, status));
        for (let count = 0; count < 3; count++) {
          const url = `${gateway.url}/dicom-web/main/studies`;
          assert.deepEqual(await curlUpload("--http2-prior-knowledge", url), [0, String(status)]);
        }
      });
    }
  }
  await origin.close();
});

Deno.test("The response to a STOW whose store resets the connection reaches a client that sends everything first", async () => {
  const origin = startRawOrigin((exchange) => Promise.resolve(exchange.close()));
  await using gateway = await startGateway({
    Servers: { main: { Url: origin.url, ProviderType: "none" } },
  });
  const upload = async () => {
    using client = await RawClient.connect(gateway.url);
    await client.write(client.head("POST", "/dicom-web/main/studies", {
      "content-type": 'multipart/related; type="application/dicom"; boundary=b',
      "content-length": String(20 * BLOCK.length),
    }));
    for (let count = 0; count < 20; count++) await client.write(BLOCK);
    return (await readAnswer(client)).status;
  };
  for (let round = 0; round < 5; round++) {
    const seen = await Promise.all(Array.from({ length: 4 }, upload));
    assert.deepEqual(new Set(seen), new Set([502]));
  }
  await origin.close();
});

Deno.test("A STOW whose store resets the connection, and whose client stalls, ends with its connection", async () => {
  const origin = startRawOrigin((exchange) => Promise.resolve(exchange.close()));
  await using gateway = await startGateway({
    Servers: { main: { Url: origin.url, ProviderType: "none", Timeouts: { IdleSeconds: 3 } } },
  });
  using client = await RawClient.connect(gateway.url);
  await client.write(client.head("POST", "/dicom-web/main/studies", {
    "content-type": 'multipart/related; type="application/dicom"; boundary=b',
    "content-length": String(20 * BLOCK.length),
  }));
  await client.write(BLOCK);
  const answer = await within(LIMIT_MS, "a response", client.answer());
  // Else a graceful stop would wait for the rest of the upload.
  assert.deepEqual([answer.status, answer.headers.get("connection")], [502, "close"]);
  await origin.close();
});

Deno.test("The response to a rejected upload reaches a client that sends without waiting", async (t) => {
  await using gateway = await startGateway({
    Servers: { main: { Url: "http://127.0.0.1:9", ProviderType: "none" } },
  });
  const file = await Deno.makeTempFile();
  await Deno.truncate(file, 20_000_000);
  const url = `${gateway.url}/dicom-web/unknown/studies`;
  for (const framing of ["Content-Length: 20000000", "Transfer-Encoding: chunked"]) {
    await t.step(framing, async () => {
      const upload = async () => {
        const { code, stdout } = await new Deno.Command("curl", {
          args: [
            ...["-s", "-o", "/dev/null", "-w", "%{http_code}", "-H", "Expect:", "-H", framing],
            ...["-H", "Content-Type: application/dicom", "--data-binary", `@${file}`, url],
          ],
        }).output();
        return `${code} ${new TextDecoder().decode(stdout)}`;
      };
      // One in fifty was lost when the response ended before the upload was read.
      for (let round = 0; round < 15; round++) {
        const seen = await Promise.all(Array.from({ length: 10 }, upload));
        assert.deepEqual(new Set(seen), new Set(["0 404"]));
      }
    });
  }
  await Deno.remove(file);
});

/** Uploads 64 MB with curl. Returns its exit code, and the status that it received. */
async function curlUpload(version: string, url: string): Promise<[code: number, status: string]> {
  const child = new Deno.Command("curl", {
    args: [
      ...["-s", version, "-X", "POST", "-T", "-", "-o", "/dev/null", "-w", "%{http_code}"],
      ...["-H", "content-type: multipart/related; boundary=b", url],
    ],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  const sending = (async () => {
    for (let count = 0; count < 256; count++) await writer.write(BLOCK);
    await writer.close();
  })().catch(() => {});
  const { code, stdout } = await within(LIMIT_MS, "the end of curl", child.output());
  await sending;
  return [code, new TextDecoder().decode(stdout)];
}

/** Sends 1 GiB until it is sent or a response arrives, as curl and Orthanc do. */
async function uploadUntilAnswered(
  url: string,
  headers: Record<string, string>,
  block: Uint8Array,
): Promise<{ status: number; text: string }> {
  using client = await RawClient.connect(url);
  await client.write(client.head("POST", "/dicom-web/main/studies", headers));
  let isAnswered = false;
  const sending = (async () => {
    for (let count = 0; count < BLOCKS && !isAnswered; count++) await client.write(block);
  })().catch(() => {});
  const result = await within(LIMIT_MS, "an answer", readAnswer(client));
  isAnswered = true;
  client[Symbol.dispose]();
  await sending;
  return result;
}

/** Sends 1 GiB, or as much of it as is accepted, and only then reads the response. */
async function uploadThenRead(
  url: string,
  headers: Record<string, string>,
  block: Uint8Array,
): Promise<{ status: number; text: string }> {
  using client = await RawClient.connect(url);
  const sending = (async () => {
    await client.write(client.head("POST", "/dicom-web/main/studies", headers));
    for (let count = 0; count < BLOCKS; count++) await client.write(block);
    if (headers["transfer-encoding"] === "chunked") await client.write("0\r\n\r\n");
  })().catch(() => {});
  await within(LIMIT_MS, "the end of the upload", sending);
  return await within(LIMIT_MS, "an answer", readAnswer(client));
}

async function readAnswer(client: RawClient): Promise<{ status: number; text: string }> {
  return await client.answerText();
}
