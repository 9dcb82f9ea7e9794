import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { readPasswordHash } from "../../../src/config/inbound/password_hash.ts";
import type { PasswordHash } from "../../../src/config/inbound/password_hash.ts";
import { Secret } from "../../../src/config/values/secret.ts";
import { deriveKey, hashPassword, isPassword } from "../../../src/credentials/inbound/password.ts";
import { Passwords } from "../../../src/credentials/inbound/passwords.ts";
import { GatewayError } from "../../../src/errors/gateway_error.ts";

const unpadded = (bytes: Uint8Array) => Buffer.from(bytes).toString("base64").replace(/=+$/, "");

Deno.test("deriveKey computes scrypt as RFC 7914, section 12, has it", async () => {
  const key = await deriveKey("password", {
    logCost: 10,
    blockSize: 8,
    parallelism: 16,
    salt: btoa("NaCl"),
    hash: unpadded(new Uint8Array(64)),
  });
  assert.equal(
    Buffer.from(key).toString("hex"),
    "fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b373162" +
      "2eaf30d92e22a3886ff109279d9830dac727afb94a83ee6d8360cbdfa2cc0640",
  );
});

Deno.test("hashPassword: its hash is valid in the configuration, salted, and matches only this password", async () => {
  const [one, other] = await Promise.all([hashPassword("swordfish"), hashPassword("swordfish")]);
  assert.notEqual(one, other);
  const { hash, fault } = readPasswordHash(one);
  assert.equal(fault, undefined);
  assert(await isPassword("swordfish", hash!));
  assert(!await isPassword("Swordfish", hash!));
});

const HASH: PasswordHash = {
  logCost: 15,
  blockSize: 8,
  parallelism: 3,
  salt: "s".repeat(22),
  hash: unpadded(new Uint8Array(32).fill(7)),
};
const PHC = new Secret(`$scrypt$ln=15,r=8,p=3$${HASH.salt}$${HASH.hash}`);

Deno.test("Passwords: an unknown name costs as much work as a known one, and passes with no password", async () => {
  const derived: string[] = [];
  const passwords = new Passwords(new Map([["alice", PHC]]), (password, { logCost }) => {
    derived.push(`${password} ${logCost}`);
    return Promise.resolve(new Uint8Array(32).fill(7));
  });
  assert.equal(await passwords.check("alice", "right"), true);
  // Not even the decoy's own password.
  assert.equal(await passwords.check("mallory", "right"), false);
  assert.deepEqual(derived, ["right 15", "right 15"]);
});

Deno.test("Passwords: one check runs at a time, few are queued, the rest are rejected", async () => {
  let running = 0;
  let most = 0;
  const gate = Promise.withResolvers<void>();
  const passwords = new Passwords(new Map([["alice", PHC]]), async () => {
    most = Math.max(most, ++running);
    await gate.promise;
    running--;
    return new Uint8Array(32);
  });
  const checks = Array.from({ length: 100 }, () => passwords.check("alice", "x"));
  const outcomes = Promise.allSettled(checks);
  gate.resolve();
  const turnedAway = (await outcomes).filter(({ status }) => status === "rejected");
  assert.equal(most, 1);
  assert.equal(turnedAway.length, 100 - 17);
  const { reason } = turnedAway[0] as PromiseRejectedResult;
  assert(reason instanceof GatewayError);
  assert.deepEqual([reason.code, reason.status], ["AUTH-009", 503]);
  assert(reason.retryAfterSeconds! > 0);
});

Deno.test("Passwords: one that was right before does not wait for attempts of others", async () => {
  const gate = Promise.withResolvers<void>();
  const passwords = new Passwords(new Map([["alice", PHC]]), async (password) => {
    if (password !== "known") await gate.promise;
    return new Uint8Array(32);
  });
  const others = Array.from({ length: 100 }, () => passwords.check("alice", "guess"));
  const outcomes = Promise.allSettled(others);
  assert.equal(await passwords.check("alice", "known", { isKnown: true }), false);
  gate.resolve();
  await outcomes;
});

Deno.test("isPassword compares the whole key in constant time: no prefix of it matches", async () => {
  const expected = new Uint8Array(32).fill(7);
  for (const key of [expected.slice(0, 31), new Uint8Array([...expected, 7]), new Uint8Array()]) {
    assert.equal(await isPassword("x", HASH, () => Promise.resolve(key)), false);
  }
  assert.equal(await isPassword("x", HASH, () => Promise.resolve(expected)), true);
});
