import assert from "node:assert/strict";
import type { ConcurrencyLimit } from "../../src/upstream/concurrency_limit.ts";
import { storeLimits } from "../../src/upstream/store_limits.ts";

function places(limit: ConcurrencyLimit): number {
  const { signal } = new AbortController();
  for (let entered = 0;; entered++) {
    try {
      limit.enter(signal);
    } catch {
      return entered;
    }
  }
}

for (
  const [maxConcurrent, uploads, sockets] of [
    [1, 1, 1],
    [2, 1, 1],
    [3, 2, 1],
    [4, 3, 1],
    [5, 3, 1],
    [64, 48, 16],
  ] as const
) {
  Deno.test(`storeLimits: of ${maxConcurrent} places requests with a body have ${uploads}, WebSockets ${sockets}`, () => {
    const storeResilience = { maxConcurrent, maxQueued: 0, queueMs: 1 };
    const config = { name: "main", storeResilience } as Parameters<
      typeof storeLimits
    >[0]["config"];
    assert.deepEqual(Object.values(storeLimits({ config })).map(places), [
      maxConcurrent,
      uploads,
      sockets,
    ]);
  });
}
