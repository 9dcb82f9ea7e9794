import assert from "node:assert/strict";
import { systemClock } from "../../../src/network/clock.ts";
import { KvFile } from "../../../src/credentials/cache/kv_location.ts";
import { KvTokenStore } from "../../../src/credentials/cache/kv_token_store.ts";
import { FakeClock } from "../../fixtures/fake_clock.ts";

async function withFile(
  test: (path: string, open: () => KvTokenStore) => Promise<void>,
): Promise<void> {
  const directory = await Deno.makeTempDir();
  const path = `${directory}/tokens.kv`;
  const stores: KvTokenStore[] = [];
  const open = () => {
    const store = new KvTokenStore(new KvFile(path), systemClock);
    stores.push(store);
    return store;
  };
  try {
    await test(path, open);
  } finally {
    for (const store of stores) await store.close();
    await Deno.remove(directory, { recursive: true });
  }
}

async function removeFiles(path: string): Promise<void> {
  for (const suffix of ["", "-wal", "-shm"]) await Deno.remove(path + suffix).catch(() => {});
}

Deno.test("KvTokenStore continues when its file is removed, and shares the new one", () =>
  withFile(async (path, open) => {
    const [one, two] = [open(), open()];
    await one.set("a", "old", 60_000);
    assert.equal(await two.get("a"), "old");
    await removeFiles(path);
    assert.equal(await one.get("a"), undefined);
    await two.set("a", "new", 60_000);
    assert.equal(await one.get("a"), "new");
    assert(await one.acquireLease("a", "one", 60_000));
    assert.equal(await two.acquireLease("a", "two", 60_000), false);
  }));

Deno.test("KvTokenStore recovers after its file was removed during concurrent use", () =>
  withFile(async (path, open) => {
    const stores = [open(), open(), open()];
    for (let round = 0; round < 20; round++) {
      const work = stores.flatMap((store, i) => [
        store.set(`a${i}`, "value", 60_000),
        store.get(`a${i}`),
        store.acquireLease("a", `${i}`, 60_000),
      ]);
      // Operations in progress may fail.
      const settled = Promise.allSettled(work);
      await removeFiles(path);
      await settled;
      assert(await sharesAgain(stores, `${round}`), "they no longer share");
    }
  }));

/** Each store may once replace the files of another, and their content. */
async function sharesAgain(stores: readonly KvTokenStore[], value: string): Promise<boolean> {
  for (let attempt = 0; attempt <= stores.length; attempt++) {
    await stores[0]?.set("b", value, 60_000).catch(() => {});
    const seen = await Promise.all(stores.map((store) => store.get("b").catch(() => {})));
    if (seen.every((each) => each === value)) return true;
  }
  return false;
}

const damages: [name: string, damage: (bytes: Uint8Array) => Uint8Array][] = [
  ["is no database", () => new TextEncoder().encode("garbage ".repeat(10_000))],
  ["is damaged inside", (bytes) => bytes.fill(0x41, 4096)],
  ["was cut short", (bytes) => bytes.subarray(0, bytes.length / 2)],
  ["is empty", () => new Uint8Array()],
];
for (const [name, damage] of damages) {
  Deno.test(`KvTokenStore replaces a file that ${name}`, () =>
    withFile(async (path, open) => {
      const before = open();
      await before.set("a", "old", 60_000);
      await before.close();
      await Deno.writeFile(path, damage(await Deno.readFile(path)));
      const after = open();
      await after.set("a", "new", 60_000);
      assert.equal(await after.get("a"), "new");
      assert.equal(await open().get("a"), "new");
    }));
}

Deno.test("KvTokenStore fails while its directory is missing, and recovers", () =>
  withFile(async (path) => {
    const directory = path.replace("tokens.kv", "later");
    const store = new KvTokenStore(new KvFile(`${directory}/tokens.kv`), systemClock);
    await assert.rejects(store.get("a"));
    await Deno.mkdir(directory);
    await store.set("a", "value", 60_000);
    assert.equal(await store.get("a"), "value");
    await store.close();
  }));

Deno.test("KvTokenStore does not rely on KV to end a lease in time", () =>
  withFile(async (path) => {
    const clock = new FakeClock();
    const store = new KvTokenStore(new KvFile(path), clock);
    // KV deletes it by the real clock, in an hour.
    assert(await store.acquireLease("a", "one", 3_600_000));
    clock.jumpWallClock(3_599_999);
    assert.equal(await store.acquireLease("a", "two", 5000), false);
    clock.jumpWallClock(1);
    assert.equal(await store.acquireLease("a", "two", 5000), true);
    await store.close();
  }));

Deno.test("KvTokenStore throws once it is closed, and opens nothing", () =>
  withFile(async (path, open) => {
    const store = open();
    await store.close();
    await assert.rejects(store.get("a"), { message: "the store is closed" });
    await assert.rejects(Deno.stat(path), Deno.errors.NotFound);
  }));

Deno.test("KvTokenStore opens its file again while another process locks it", async () => {
  let opened = 0;
  const store = new KvTokenStore({
    open: () =>
      ++opened < 3 ? Promise.reject(new Error("database is locked")) : Deno.openKv(":memory:"),
  }, systemClock);
  await store.open();
  assert.equal(await store.get("a"), undefined);
  assert.equal(opened, 3);
  await store.close();
});
