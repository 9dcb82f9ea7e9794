import assert from "node:assert/strict";
import { BoundedCache } from "../../src/dicomweb/bounded_cache.ts";

Deno.test("BoundedCache makes each value once", () => {
  const cache = new BoundedCache<string | null>({ maxEntries: 10, maxKeyLength: 10 });
  let made = 0;
  const answer = (key: string) => cache.get(key, () => `${key}${++made}`);
  assert.deepEqual([answer("a"), answer("b"), answer("a")], ["a1", "b2", "a1"]);
});

Deno.test("BoundedCache caches null", () => {
  const cache = new BoundedCache<string | null>({ maxEntries: 10, maxKeyLength: 10 });
  assert.equal(cache.get("a", () => null), null);
  assert.equal(cache.get("a", () => "made again"), null);
});

Deno.test("BoundedCache never holds more than its bounds allow", () => {
  const cache = new BoundedCache<number>({ maxEntries: 3, maxKeyLength: 10 });
  for (let index = 0; index < 100; index++) {
    assert.equal(cache.get(`${index}`, () => index), index);
  }
  const hits = Array.from({ length: 100 }, (_, index) => cache.get(`${99 - index}`, () => -1));
  assert.ok(hits.filter((value) => value >= 0).length <= 3);
  assert.equal(cache.get("longer than ten", () => 7), 7);
  assert.equal(cache.get("longer than ten", () => 8), 8);
});
