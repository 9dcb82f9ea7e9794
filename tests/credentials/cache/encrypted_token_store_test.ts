import assert from "node:assert/strict";
import { encodeBase64 } from "@oslojs/encoding";
import { Secret } from "../../../src/config/values/secret.ts";
import { EncryptedTokenStore } from "../../../src/credentials/cache/encrypted_token_store.ts";
import type { StringStore, Token } from "../../../src/credentials/token.ts";
import { GatewayError } from "../../../src/errors/gateway_error.ts";
import { createMetrics } from "../../../src/telemetry/metrics.ts";
import { FakeClock } from "../../fixtures/fake_clock.ts";
import { MemoryLogger } from "../../fixtures/memory_logger.ts";

/** A cache whose entries a test can read and change. */
class OpenRawStore implements StringStore {
  readonly entries = new Map<string, string>();
  readonly ttlsMs: number[] = [];
  readonly leases: unknown[] = [];

  open(): Promise<void> {
    return Promise.resolve();
  }

  get(key: string): Promise<string | undefined> {
    return Promise.resolve(this.entries.get(key));
  }

  set(key: string, value: string, ttlMs: number): Promise<void> {
    this.ttlsMs.push(ttlMs);
    this.entries.set(key, value);
    return Promise.resolve();
  }

  delete(key: string): Promise<void> {
    this.entries.delete(key);
    return Promise.resolve();
  }

  acquireLease(...lease: unknown[]): Promise<boolean> {
    this.leases.push(lease);
    return Promise.resolve(false);
  }

  releaseLease(...lease: unknown[]): Promise<void> {
    this.leases.push(lease);
    return Promise.resolve();
  }

  generation(key: string): Promise<string> {
    return Promise.resolve(this.entries.get(`generation of ${key}`) ?? "");
  }

  setGeneration(key: string, generation: string, ttlMs: number): Promise<void> {
    return this.set(`generation of ${key}`, generation, ttlMs);
  }

  ping(): Promise<void> {
    return Promise.reject(new Error("away"));
  }

  close(): Promise<void> {
    this.entries.clear();
    return Promise.resolve();
  }
}

function key(fill: number): Secret {
  return new Secret(encodeBase64(new Uint8Array(32).fill(fill)));
}

function setup() {
  const clock = new FakeClock();
  const raw = new OpenRawStore();
  const metrics = createMetrics();
  const logger = new MemoryLogger();
  const open = (...keys: Secret[]) =>
    new EncryptedTokenStore(raw, { keys, metrics, logger, clock });
  const token: Token = {
    value: "the-access-token",
    type: "Bearer",
    issuedAtMs: clock.now(),
    expiresAtMs: clock.now() + 60_000,
  };
  const misses = async () => (await metrics.cacheErrors.get()).values[0]?.value ?? 0;
  return { clock, raw, logger, open, token, misses };
}

Deno.test("EncryptedTokenStore gives back what it was given, for as long as it lives", async () => {
  const { clock, raw, open, token } = setup();
  const store = open(key(1));
  await store.set("main", token);
  assert.deepEqual(await store.get("main"), token);
  assert.deepEqual(raw.ttlsMs, [60_000]);
  assert.equal(await store.get("other"), undefined);
  clock.jumpWallClock(60_000);
  assert.equal(await store.get("main"), undefined, "expired, but not dropped yet");
  await store.delete("main");
  assert.equal(raw.entries.size, 0);
});

Deno.test("EncryptedTokenStore does not keep a token that has expired", async () => {
  const { clock, raw, open, token } = setup();
  clock.jumpWallClock(60_000);
  await open(key(1)).set("main", token);
  assert.equal(raw.entries.size, 0);
});

Deno.test("EncryptedTokenStore lets nothing of a token be read, and no two entries be alike", async () => {
  const { raw, open, token } = setup();
  const store = open(key(1));
  await store.set("main", token);
  const first = raw.entries.get("main") ?? "";
  assert.doesNotMatch(atob(first.slice(2)), /the-access-token|Bearer|expires/);
  await store.set("main", token);
  assert.notEqual(raw.entries.get("main"), first);
});

Deno.test("EncryptedTokenStore encrypts with its first key and reads with all", async () => {
  const { open, token } = setup();
  await open(key(1)).set("main", token);
  assert.deepEqual(await open(key(2), key(1)).get("main"), token);
  await open(key(2), key(1)).set("main", token);
  assert.deepEqual(await open(key(2)).get("main"), token);
  assert.equal(await open(key(1)).get("main"), undefined);
});

const damages: [name: string, damage: (value: string) => string][] = [
  ["one bit is another", (value) => {
    const bytes = Uint8Array.from(atob(value.slice(2)), (c) => c.charCodeAt(0));
    bytes[40]! ^= 1;
    return `1:${encodeBase64(bytes)}`;
  }],
  ["it is cut short", (value) => value.slice(0, 22)],
  ["it is empty", () => ""],
  ["it is no base64", () => "1:%%%"],
  ["it is of a later format", (value) => `2:${value.slice(2)}`],
  ["it is plain text", () => JSON.stringify({ value: "forged", type: "Bearer" })],
];
for (const [name, damage] of damages) {
  Deno.test(`EncryptedTokenStore takes an entry as absent when ${name}, counts and logs it`, async () => {
    const { raw, open, token, misses, logger } = setup();
    const store = open(key(1));
    await store.set("main", token);
    raw.entries.set("main", damage(raw.entries.get("main") ?? ""));
    assert.equal(await store.get("main"), undefined);
    assert.equal(await misses(), 1);
    assert.deepEqual(logger.lines.map(({ level }) => level), ["debug"]);
  });
}

Deno.test("EncryptedTokenStore takes an entry written with another key as absent", async () => {
  const { open, token, misses } = setup();
  await open(key(1)).set("main", token);
  assert.equal(await open(key(2), key(3)).get("main"), undefined);
  assert.equal(await misses(), 1);
});

Deno.test("EncryptedTokenStore does not take one server's token for another's", async () => {
  const { raw, open, token } = setup();
  const store = open(key(1));
  await store.set("main", token);
  raw.entries.set("other", raw.entries.get("main") ?? "");
  assert.equal(await store.get("other"), undefined);
});

Deno.test("EncryptedTokenStore hands on leases, pings and closing", async () => {
  const { raw, open } = setup();
  const store = open(key(1));
  assert.equal(await store.acquireLease("main", "one", 5), false);
  await store.releaseLease("main", "one");
  assert.deepEqual(raw.leases, [["main", "one", 5], ["main", "one"]]);
  await assert.rejects(store.ping(), { message: "away" });
  raw.entries.set("a", "b");
  await store.close();
  assert.equal(raw.entries.size, 0);
});

for (const keys of [[], [new Secret("hunter2")], [key(1), new Secret(btoa("x".repeat(31)))]]) {
  Deno.test(`EncryptedTokenStore refuses ${keys.length} keys of which the last is no key, without repeating it`, () => {
    const { open } = setup();
    let error: unknown;
    try {
      open(...keys);
    } catch (thrown) {
      error = thrown;
    }
    assert(error instanceof GatewayError);
    assert.equal(error.code, "CFG-002");
    assert.doesNotMatch(Deno.inspect(error), /hunter2/);
  });
}
