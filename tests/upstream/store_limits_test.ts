import assert from "node:assert/strict";
import type { ConcurrencyLimit } from "../../src/upstream/concurrency_limit.ts";
import { storeLimits } from "../../src/upstream/store_limits.ts";

/** How many are let in at once. */
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
  const [maxConcurrent, uploads] of [[1, 1], [2, 1], [3, 2], [4, 3], [5, 3], [64, 48]] as const
) {
  Deno.test(`storeLimits: of ${maxConcurrent} places requests with a body have ${uploads}`, () => {
    const storeResilience = { maxConcurrent, maxQueued: 0, queueMs: 1 };
    const config = { name: "main", storeResilience } as Parameters<
      typeof storeLimits
    >[0]["config"];
    assert.deepEqual(storeLimits({ config }).map(places), [maxConcurrent, uploads]);
  });
}
