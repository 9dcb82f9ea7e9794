import assert from "node:assert/strict";
import { encodeBase64 } from "@oslojs/encoding";
import { Secret } from "../../../src/config/values/secret.ts";
import { TokenCipher } from "../../../src/credentials/cache/token_cipher.ts";
import type { Token } from "../../../src/credentials/token.ts";
import { GatewayError } from "../../../src/errors/gateway_error.ts";

function key(fill: number): Secret {
  return new Secret(encodeBase64(new Uint8Array(32).fill(fill)));
}

const token: Token = {
  value: "the-access-token",
  type: "Bearer",
  issuedAtMs: 0,
  expiresAtMs: 60_000,
};

Deno.test("TokenCipher keeps tokens unreadable, and no two entries alike", async () => {
  const cipher = new TokenCipher([key(1)]);
  const first = await cipher.encrypt("main", token);
  assert.deepEqual(await cipher.decrypt("main", first), token);
  assert.doesNotMatch(atob(first.slice(2)), /the-access-token|Bearer|expires/);
  assert.notEqual(await cipher.encrypt("main", token), first);
});

Deno.test("TokenCipher encrypts with its first key and decrypts with all", async () => {
  const both = new TokenCipher([key(2), key(1)]);
  assert.deepEqual(
    await both.decrypt("main", await new TokenCipher([key(1)]).encrypt("main", token)),
    token,
  );
  const entry = await both.encrypt("main", token);
  assert.deepEqual(await new TokenCipher([key(2)]).decrypt("main", entry), token);
  assert.equal(await new TokenCipher([key(1)]).decrypt("main", entry), undefined);
});

const damages: [name: string, damage: (value: string) => string][] = [
  ["with one bit changed", (value) => {
    const bytes = Uint8Array.from(atob(value.slice(2)), (c) => c.charCodeAt(0));
    bytes[40]! ^= 1;
    return `1:${encodeBase64(bytes)}`;
  }],
  ["that is truncated", (value) => value.slice(0, 22)],
  ["that is empty", () => ""],
  ["that is not base64", () => "1:%%%"],
  ["of a later format", (value) => `2:${value.slice(2)}`],
  ["in plain text", () => JSON.stringify({ value: "forged", type: "Bearer" })],
];
for (const [name, damage] of damages) {
  Deno.test(`TokenCipher does not decrypt an entry ${name}`, async () => {
    const cipher = new TokenCipher([key(1)]);
    const entry = damage(await cipher.encrypt("main", token));
    assert.equal(await cipher.decrypt("main", entry), undefined);
  });
}

Deno.test("TokenCipher does not decrypt an entry encrypted with another key", async () => {
  const entry = await new TokenCipher([key(1)]).encrypt("main", token);
  assert.equal(await new TokenCipher([key(2), key(3)]).decrypt("main", entry), undefined);
});

Deno.test("TokenCipher does not decrypt one server's token for another", async () => {
  const cipher = new TokenCipher([key(1)]);
  assert.equal(await cipher.decrypt("other", await cipher.encrypt("main", token)), undefined);
});

for (const keys of [[], [new Secret("hunter2")], [key(1), new Secret(btoa("x".repeat(31)))]]) {
  Deno.test(`TokenCipher refuses ${keys.length} keys of which the last is no key, without repeating it`, () => {
    assert.throws(() => new TokenCipher(keys), (error) => {
      assert(error instanceof GatewayError);
      assert.equal(error.code, "CFG-002");
      assert.doesNotMatch(Deno.inspect(error), /hunter2/);
      return true;
    });
  });
}
