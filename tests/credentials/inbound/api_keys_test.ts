import assert from "node:assert/strict";
import { timingSafeEqual } from "node:crypto";
import { Secret } from "../../../src/config/values/secret.ts";
import { ApiKeys, makeApiKey } from "../../../src/credentials/inbound/api_keys.ts";

const made = { orthanc: makeApiKey(), viewer: makeApiKey(), script: makeApiKey() };
const digests = new Map(
  Object.entries(made).map(([name, { hash }]) => [name, new Secret(hash.slice("sha256:".length))]),
);

Deno.test("ApiKeys: a key identifies its owner, its hash nobody", () => {
  const keys = new ApiKeys(digests);
  for (const [name, { key, hash }] of Object.entries(made)) {
    assert.equal(keys.ownerOf(key), name);
    assert.equal(keys.ownerOf(hash), undefined);
    assert.equal(keys.ownerOf(`${key} `), undefined);
  }
  assert.equal(keys.ownerOf(""), undefined);
});

Deno.test("ApiKeys: keys are compared in constant time, all of them every time, digests only", () => {
  const compared: number[] = [];
  const keys = new ApiKeys(digests, (one, other) => {
    compared.push(one.length);
    return timingSafeEqual(one, other);
  });
  for (const key of [made.orthanc.key, made.script.key, "wrong"]) keys.ownerOf(key);
  assert.deepEqual(compared, Array(9).fill(32));
});

Deno.test("makeApiKey makes another key of 256 bits each time", () => {
  const { key } = makeApiKey();
  assert.equal(key.length, 43);
  assert.notEqual(key, makeApiKey().key);
});
