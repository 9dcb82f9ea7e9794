import assert from "node:assert/strict";
import { VerifiedCredentials } from "../../../src/credentials/inbound/verified_credentials.ts";

const caller = { subject: "user:alice", roles: [] };

Deno.test("VerifiedCredentials: an entry is valid until it expires", () => {
  let nowMs = 1000;
  const verified = new VerifiedCredentials(() => nowMs);
  const digest = verified.digest("header Basic abc");
  assert.equal(verified.get(digest), undefined);
  verified.set(digest, { caller, untilMs: 2000 });
  assert.equal(verified.get(digest), caller);
  nowMs = 2000;
  assert.equal(verified.get(digest), undefined);
});

Deno.test("VerifiedCredentials: an entry reveals nothing of the credential, and differs by process", () => {
  const [one, other] = [new VerifiedCredentials(Date.now), new VerifiedCredentials(Date.now)];
  const digest = one.digest("header Basic c2VjcmV0");
  assert.match(digest, /^[0-9a-f]{64}$/);
  assert.notEqual(digest, other.digest("header Basic c2VjcmV0"));
  one.set(digest, { caller, untilMs: Infinity });
  assert(!Deno.inspect(one, { depth: 10, showHidden: true }).includes("c2VjcmV0"));
});

Deno.test("VerifiedCredentials: the number of entries is bounded, and the newest are kept", () => {
  const verified = new VerifiedCredentials(() => 0);
  for (let i = 0; i <= 10_000; i++) verified.set(`d${i}`, { caller, untilMs: 1 });
  assert.equal(verified.get("d0"), undefined);
  assert.equal(verified.get("d1"), caller);
  assert.equal(verified.get("d10000"), caller);
});
