import assert from "node:assert/strict";
import type { Endpoint } from "../../src/network/connection_probe.ts";
import { leastRoundTripMs } from "../../src/network/round_trip.ts";

Deno.test("leastRoundTripMs is the least of five connections, without the time to resolve the name", async () => {
  const durations = [900, 31, 20, 500, 22, 45];
  const opened: Endpoint[] = [];
  let nowMs = 0;
  const ms = await leastRoundTripMs({ host: "store.example", port: 443 }, {
    connect: (endpoint) => {
      opened.push(endpoint);
      nowMs += durations.shift()!;
      return Promise.resolve("192.0.2.7");
    },
    now: () => nowMs,
  });
  assert.equal(ms, 20);
  assert.deepEqual(opened.map(({ host }) => host), [
    "store.example",
    ...Array(5).fill("192.0.2.7"),
  ]);
});

Deno.test("leastRoundTripMs opens connections, sends nothing and closes them", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const received: number[] = [];
  const accepting = (async () => {
    for (let count = 0; count < 6; count++) {
      using connection = await listener.accept();
      received.push((await connection.read(new Uint8Array(10))) ?? 0);
    }
  })();
  const ms = await leastRoundTripMs({ host: "localhost", port: listener.addr.port });
  await accepting;
  assert(ms > 0);
  assert.deepEqual(received, Array(6).fill(0));
});
