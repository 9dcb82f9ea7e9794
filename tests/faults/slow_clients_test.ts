/**
 * Clients that never finish their request: others are still answered, each is cut off by a timeout of the
 * gateway if there is one, and nothing is left over. `deno task bench:slow-clients` measures what 500 of
 * each cost the others.
 */
import { STORED_REPORT } from "../fixtures/stow_request.ts";
import assert from "node:assert/strict";
import { startGateway } from "../fixtures/gateway_process.ts";
import { memoryRise } from "../fixtures/memory_watch.ts";
import { connectSlowClients, type SlowClients } from "../fixtures/slow_clients.ts";
import { NARROW_PLACES, startFaultBench } from "./fault_bench.ts";

const MIB = 1024 * 1024;
const CLIENTS = 60;
const LIMIT_MS = 10_000;

async function until(what: string, isSo: () => boolean): Promise<void> {
  const deadline = Date.now() + LIMIT_MS;
  while (!isSo()) {
    assert.ok(Date.now() < deadline, `never came: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

function answered(slow: SlowClients, status: number): number {
  return slow.answers.filter((line) => line.startsWith(`HTTP/1.1 ${status} `)).length;
}

Deno.test("slow clients", async (t) => {
  await using bench = await startFaultBench([]);

  await t.step(
    "that withhold headers or bodies: other clients are answered, memory is bounded",
    async () => {
      const rise = await memoryRise(bench.gateway, async () => {
        using slow = await connectSlowClients(bench.gateway.url, {
          headers: CLIENTS,
          bodies: CLIENTS,
          target: "/dicom-web/once/studies",
          byteEveryMs: 200,
        });
        for (let count = 0; count < 50; count++) {
          assert.equal((await bench.ask("once")).body, "served");
        }
        assert.equal(slow.headersOpen, CLIENTS);
      });
      assert.ok(rise < 64 * MIB, `rose by ${Math.round(rise / MIB)} MiB`);
      await bench.untilSettled();
    },
  );

  await t.step(
    "that withhold bodies longer than TransferSeconds: 504, and the request to the store ends",
    async () => {
      using slow = await connectSlowClients(bench.gateway.url, {
        headers: 0,
        bodies: CLIENTS,
        target: "/dicom-web/once/studies",
        byteEveryMs: 200,
      });
      await until("504", () => slow.answers.length === CLIENTS);
      assert.equal(answered(slow, 504), CLIENTS);
      slow[Symbol.dispose]();
      await bench.untilSettled();
    },
  );

  await t.step("that stall within a body longer than IdleSeconds: 408", async () => {
    using slow = await connectSlowClients(bench.gateway.url, {
      headers: 0,
      bodies: CLIENTS,
      target: "/dicom-web/watched-for-uploads/studies",
    });
    await until("408", () => slow.answers.length === CLIENTS);
    assert.equal(answered(slow, 408), CLIENTS);
    slow[Symbol.dispose]();
    await bench.untilSettled();
  });

  await t.step(
    "that send a body slowly but steadily: served, with IdleSeconds too",
    async () => {
      assert.equal((await bench.ask("watched-for-uploads", 8 * MIB)).body, STORED_REPORT);
      await bench.untilSettled();
    },
  );

  await t.step("that withhold bodies never occupy all slots of a store", async () => {
    using slow = await connectSlowClients(bench.gateway.url, {
      headers: 0,
      bodies: 3 * NARROW_PLACES,
      target: "/dicom-web/narrow/studies",
    });
    await until("503", () => answered(slow, 503) > 0);
    // While the admitted ones keep their slots.
    assert.equal(answered(slow, 504), 0);
    const upload = await bench.ask("narrow", 1);
    assert.deepEqual([upload.status, upload.code], [503, "NET-011"]);
    for (let count = 0; count < 20; count++) {
      assert.equal((await bench.ask("narrow")).body, "served");
    }
    await until("an end of all", () => slow.answers.length === 3 * NARROW_PLACES);
    // Three quarters of the slots.
    assert.equal(answered(slow, 504), NARROW_PLACES * 3 / 4);
    slow[Symbol.dispose]();
    await bench.untilSettled();
    assert.equal((await bench.ask("narrow", 1)).body, STORED_REPORT);
  });

  await t.step(
    "that withhold headers stay connected: the runtime has no limit for them",
    async () => {
      using slow = await connectSlowClients(bench.gateway.url, {
        headers: CLIENTS,
        bodies: 0,
        target: "/dicom-web/once/studies",
      });
      assert.equal((await bench.ask("once")).body, "served");
      slow[Symbol.dispose]();
      await bench.untilSettled();
    },
  );
  assert.doesNotMatch(bench.gateway.output(), /INT-001/);
});

Deno.test("slow clients that use all file descriptors cost connections, not the gateway", async () => {
  await using gateway = await startGateway({
    Servers: { main: { ProviderType: "none", Url: "http://127.0.0.1:9" } },
  });
  const { success } = await new Deno.Command("prlimit", {
    args: [`--pid=${gateway.pid}`, "--nofile=150:150"],
  }).output();
  assert.ok(success, "prlimit failed");
  using slow = await connectSlowClients(gateway.url, {
    headers: 200,
    bodies: 0,
    target: "/healthz",
  });
  await until(
    "the end of the listener",
    () => gateway.output().includes("the listener closed"),
  );
  // None of the slow clients has disconnected by itself.
  let status = 0;
  const deadline = Date.now() + LIMIT_MS;
  while (status !== 200 && Date.now() < deadline) {
    const response = await fetch(`${gateway.url}/healthz`).catch(() => undefined);
    await response?.body?.cancel();
    status = response?.status ?? 0;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  assert.equal(status, 200);
  await until("the end of the slow ones", () => slow.headersOpen === 0);
});
