/**
 * How uploads in batches end that their client, their gateway or their worker leaves.
 */
import assert from "node:assert/strict";
import { within } from "../fixtures/deadline.ts";
import { startFarGateway, storeAt } from "../fixtures/far_gateway.ts";
import { startGateway } from "../fixtures/gateway_process.ts";
import { RawClient } from "../fixtures/raw_client.ts";
import type { RawExchange } from "../fixtures/raw_origin.ts";
import { startStowOrigin } from "../fixtures/stow_origin.ts";
import { hashes, instances, STOW_TYPE, stowBody } from "../fixtures/stow_request.ts";

const LIMIT_MS = 20_000;
const HEADERS = { "content-type": STOW_TYPE, "transfer-encoding": "chunked" };

async function drain(exchange: RawExchange): Promise<void> {
  for await (const _ of exchange.body());
}

const PHASES: [
  phase: string,
  end: string | undefined,
  hang: (exchange: RawExchange, begun: () => void) => Promise<void>,
  log?: RegExp,
][] = [
  ["in the middle of its body", "", async (exchange, begun) => {
    await drain(exchange);
    begun();
    await exchange.untilGone();
  }],
  ["while the store reads its batches", undefined, async (exchange, begun) => {
    for await (const _ of exchange.body()) break;
    begun();
    await exchange.untilGone();
  }],
  ["while the store does not answer", undefined, async (exchange, begun) => {
    await drain(exchange);
    begun();
    await exchange.untilGone();
  }],
  ["while its batches wait for a throttling store", undefined, async (exchange, begun) => {
    await drain(exchange);
    await exchange.answer(429, "", { "retry-after": "1" });
    begun();
  }, /sending it again/],
];

for (const [phase, end, hang, log] of PHASES) {
  Deno.test(`When a client goes ${phase}, its batches end and their memory is free`, async () => {
    let hangs = true;
    let begun = Promise.withResolvers<void>();
    const ended: Promise<unknown>[] = [];
    const origin = startStowOrigin({
      vendor: "google",
      play: async (exchange) => {
        if (!hangs) return false;
        const over = hang(exchange, begun.resolve).catch(() => {});
        ended.push(over);
        await over;
        return true;
      },
    });
    await using far = await startFarGateway(origin.url, {
      server: { Profile: "google", Rules: { StoreBatchBytes: 100_000, StoreConcurrency: 8 } },
      config: { UploadMemoryMebibytes: 1, UploadDiskMebibytes: 0 },
    });
    const all = instances(9, 1_200);
    for (let round = 0; round < 3; round++) {
      begun = Promise.withResolvers();
      const client = await RawClient.connect(far.gateway.url);
      await client.write(client.head("POST", "/dicom-web/main/studies", HEADERS));
      for (const piece of stowBody(all, end === undefined ? {} : { end })) {
        await client.writeChunk(piece);
      }
      if (end === undefined) await client.write("0\r\n\r\n");
      await within(LIMIT_MS, "a batch", begun.promise);
      if (log !== undefined) await far.gateway.until(log);
      client[Symbol.dispose]();
      await within(LIMIT_MS, "the end of the batches", Promise.all(ended));
    }
    hangs = false;
    // Without free memory batches would be streamed. The runtime shows a little later who has gone.
    const areHeld = async () => {
      const sent = origin.requests.length;
      const { status, failed } = await far.store(all);
      assert.deepEqual([status, failed], [200, []]);
      return origin.requests.slice(sent).every(({ headers }) => headers.has("content-length"));
    };
    const deadline = performance.now() + LIMIT_MS;
    while (!await areHeld()) assert.ok(performance.now() < deadline, "memory is not free");
    await origin.close();
  });
}

/** A store whose answers wait. */
function waitingStore() {
  const begun = Promise.withResolvers<void>();
  const go = Promise.withResolvers<void>();
  let count = 0;
  const origin = startStowOrigin({
    vendor: "google",
    play: async () => {
      if (++count === 3) begun.resolve();
      await go.promise;
      return false;
    },
  });
  return { origin, begun: begun.promise, go: go.resolve };
}

function section(url: string) {
  return {
    Servers: {
      main: {
        Url: url,
        ProviderType: "none",
        Profile: "google",
        Distance: "far",
        Rules: { StoreBatchBytes: 8_000 },
      },
    },
  };
}

Deno.test("An upload in batches that is under way at a reload is completed", async () => {
  const { origin, begun, go } = waitingStore();
  await using gateway = await startGateway(section(origin.url));
  const all = instances(40);
  const upload = storeAt(`${gateway.url}/dicom-web/main`, all);
  await within(LIMIT_MS, "three batches", begun);
  await gateway.writeConfig({ ...section(origin.url), UploadMemoryMebibytes: 8 });
  gateway.signal("SIGHUP");
  await gateway.until(/reload/i);
  go();
  const { status, failed } = await within(LIMIT_MS, "an answer", upload);
  assert.deepEqual([status, failed], [200, []]);
  assert.deepEqual(origin.stored, hashes(all));
  await origin.close();
});

Deno.test("A worker that crashes in mid-batch fails the client's upload visibly", async () => {
  const { origin, begun, go } = waitingStore();
  await using gateway = await startGateway(section(origin.url), { isFaulty: true });
  const upload = storeAt(`${gateway.url}/dicom-web/main`, instances(40))
    .then(({ status }) => status, (error) => error);
  await within(LIMIT_MS, "three batches", begun);
  await fetch(`${gateway.url}/fault/crash`).then((response) => response.body?.cancel(), () => {});
  const outcome = await within(LIMIT_MS, "an end", upload);
  assert.ok(outcome instanceof Error, String(outcome));
  go();
  await origin.close();
});
