/**
 * A transfer that breaks off on one side of the gateway breaks off on the other: nothing truncated looks
 * complete, and nothing continues for a client that has disconnected.
 */
import assert from "node:assert/strict";
import { within } from "../fixtures/deadline.ts";
import { startGateway } from "../fixtures/gateway_process.ts";
import { RawClient } from "../fixtures/raw_client.ts";
import { type RawExchange, type RawHandler, startRawOrigin } from "../fixtures/raw_origin.ts";

const PIECE = new Uint8Array(64 * 1024).fill(0x61);
const PIECE_CHUNK = new TextEncoder().encode(
  `${PIECE.length.toString(16)}\r\n${"a".repeat(PIECE.length)}\r\n`,
);
const LIMIT_MS = 20_000;
/** Longest time until the store notices that the client has disconnected. */
const GONE_LIMIT_MS = 1_000;

/** How a store breaks off within a response. */
const CUTS: Record<string, RawHandler> = {
  "with Content-Length, after half of the body": async (exchange) => {
    await exchange.writeHead(200, { "content-length": String(10 * PIECE.length) });
    for (let count = 0; count < 5; count++) await exchange.write(PIECE);
    exchange.close();
  },
  "with Content-Length, one byte before the end": async (exchange) => {
    await exchange.writeHead(200, { "content-length": String(PIECE.length + 1) });
    await exchange.write(PIECE);
    exchange.close();
  },
  "with Content-Length, before the body": async (exchange) => {
    await exchange.writeHead(200, { "content-length": String(PIECE.length) });
    exchange.close();
  },
  "chunked, between two chunks": async (exchange) => {
    await exchange.writeHead(200, { "transfer-encoding": "chunked" });
    for (let count = 0; count < 5; count++) await exchange.write(PIECE_CHUNK);
    exchange.close();
  },
  "chunked, within a chunk": async (exchange) => {
    await exchange.writeHead(200, { "transfer-encoding": "chunked" });
    await exchange.write(PIECE_CHUNK);
    await exchange.write(PIECE_CHUNK.subarray(0, PIECE_CHUNK.length / 2));
    exchange.close();
  },
  "chunked, before the first chunk": async (exchange) => {
    await exchange.writeHead(200, { "transfer-encoding": "chunked" });
    exchange.close();
  },
};

Deno.test("A store that breaks off within its response makes the client's transfer fail", async (t) => {
  const origin = startRawOrigin((exchange) => exchange.answer(200));
  await using gateway = await startGateway({
    Servers: { main: { Url: origin.url, ProviderType: "none" } },
  });
  for (const [how, handler] of Object.entries(CUTS)) {
    await t.step(how, async () => {
      origin.play(handler);
      await within(
        LIMIT_MS,
        "a socket",
        (async () => {
          using client = await RawClient.connect(gateway.url);
          await client.write(client.head("GET", "/dicom-web/main/studies/1.2.3"));
          await assertFails(async () => {
            for await (const _ of (await client.answer()).body);
          });
        })(),
      );
      await within(
        LIMIT_MS,
        "fetch",
        assertFails(async () => {
          const response = await fetch(`${gateway.url}/dicom-web/main/studies/1.2.3`);
          await response.bytes();
        }),
      );
    });
  }
  origin.play((exchange) => exchange.answer(200, "whole"));
  const response = await fetch(`${gateway.url}/dicom-web/main/studies/1.2.3`);
  assert.equal(await response.text(), "whole");
  await origin.close();
});

Deno.test("A client that breaks off within its upload makes the store's transfer fail", async (t) => {
  const origin = startRawOrigin((exchange) => exchange.answer(200));
  await using gateway = await startGateway({
    Servers: { main: { Url: origin.url, ProviderType: "none" } },
  });
  const ways = {
    "with Content-Length": { headers: { "content-length": String(10 * PIECE.length) }, PIECE },
    "chunked": { headers: { "transfer-encoding": "chunked" }, PIECE: PIECE_CHUNK },
  };
  for (const [how, { headers, PIECE }] of Object.entries(ways)) {
    await t.step(how, async () => {
      const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
      const { promise: outcome, resolve: end } = Promise.withResolvers<string>();
      origin.play(async (exchange) => {
        try {
          for await (const _ of exchange.body()) begin();
          end("the upload looks whole");
        } catch (error) {
          end((error as Error).name);
        }
        exchange.close();
      });
      const client = await RawClient.connect(gateway.url);
      await client.write(client.head("POST", "/dicom-web/main/studies", headers));
      for (let count = 0; count < 5; count++) await client.write(PIECE);
      await within(LIMIT_MS, "upload", begun);
      client[Symbol.dispose]();
      assert.match(
        await within(GONE_LIMIT_MS, "the store notices", outcome),
        /^(CutError|ConnectionReset)$/,
      );
    });
  }
  await origin.close();
});

Deno.test("A client that disconnects ends the request to the store within a second", async (t) => {
  const origin = startRawOrigin((exchange) => exchange.answer(200));
  await using gateway = await startGateway({
    Servers: { main: { Url: origin.url, ProviderType: "none" } },
  });

  const answers: Record<string, RawHandler> = {
    "while the response streams": async (exchange) => {
      await exchange.writeHead(200, { "transfer-encoding": "chunked" });
      while (true) await exchange.write(PIECE_CHUNK);
    },
    "while the response stalls": async (exchange) => {
      await exchange.writeHead(200, { "content-length": "1000000" });
      await exchange.write("a");
      await exchange.untilGone();
    },
  };
  for (const [when, answer] of Object.entries(answers)) {
    await t.step(when, async () => {
      const gone = playUntilGone(answer);
      const client = await RawClient.connect(gateway.url);
      await client.write(client.head("GET", "/dicom-web/main/studies/1.2.3"));
      const { body } = await client.answer();
      await body.next();
      client[Symbol.dispose]();
      await within(GONE_LIMIT_MS, "the store notices", gone);
    });
  }

  await t.step("before the response", async () => {
    const { promise: asked, resolve: ask } = Promise.withResolvers<void>();
    const gone = playUntilGone(async (exchange) => {
      ask();
      await exchange.untilGone();
    });
    const client = await RawClient.connect(gateway.url);
    await client.write(client.head("GET", "/dicom-web/main/studies?limit=1"));
    await within(LIMIT_MS, "request", asked);
    client[Symbol.dispose]();
    await within(GONE_LIMIT_MS, "the store notices", gone);
  });
  await origin.close();

  /** Handles exchanges with the handler; resolves when the gateway has disconnected from the first. */
  function playUntilGone(handler: RawHandler): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    origin.play(async (exchange: RawExchange) => {
      try {
        await handler(exchange);
      } catch {
        exchange.close();
      }
      resolve();
    });
    return promise;
  }
});

async function assertFails(transfer: () => Promise<void>): Promise<void> {
  await assert.rejects(transfer, (error) => {
    assert.ok(!(error instanceof assert.AssertionError));
    return true;
  }, "the transfer looks whole");
}
