/** Which tokens are valid, one row per rule. */
import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { exportSPKI, importJWK, type JWTPayload, SignJWT } from "jose";
import type { SigningAlgorithm } from "../../../src/config/values/signing_key.ts";
import type { TokenValidationConfig } from "../../../src/config/schemes/token_validation.ts";
import { readVerificationKey } from "../../../src/config/values/verification_key.ts";
import {
  ConfiguredKeySet,
  type KeySet,
  selectKeys,
} from "../../../src/credentials/validation/key_set.ts";
import { TokenFault } from "../../../src/credentials/validation/token_fault.ts";
import { TokenValidator } from "../../../src/credentials/validation/token_validator.ts";
import { FakeClock } from "../../fixtures/fake_clock.ts";
import { type IssuerKey, makeIssuerKey, signToken } from "../../fixtures/jwt_issuer.ts";

const never = new AbortController().signal;
const clock = new FakeClock();
const nowSeconds = Math.floor(clock.now() / 1000);

const ISSUER = "https://idp.test";
const GOOD: JWTPayload = { iss: ISSUER, aud: "store", exp: nowSeconds + 300, sub: "gateway" };

const rsa = await makeIssuerKey("RS256", "rsa");
const otherRsa = await makeIssuerKey("RS256", "rsa");

function configured({ publicJwk }: IssuerKey): ConfiguredKeySet {
  const { key } = readVerificationKey(JSON.stringify(publicJwk));
  assert(key !== undefined);
  return new ConfiguredKeySet(key.publicJwk);
}

function published(...keys: readonly IssuerKey[]): KeySet {
  const select = selectKeys({ keys: keys.map(({ publicJwk }) => publicJwk) });
  return { load: () => Promise.resolve(), find: (header) => select(header) };
}

function validator(
  rules: Partial<TokenValidationConfig> = {},
  keys: KeySet = configured(rsa),
): TokenValidator {
  return new TokenValidator({
    clock,
    keys,
    rules: {
      keys: { from: "url", url: "https://keys.test" },
      audience: "store",
      issuers: [ISSUER],
      algorithms: ["RS256"],
      ...rules,
    },
  });
}

async function fault(of: TokenValidator, token: string): Promise<TokenFault> {
  const error = await of.validate(token, never).then(() => undefined, (error: unknown) => error);
  assert(error instanceof TokenFault, `no TokenFault: ${error}`);
  for (const part of token.split(".").filter((part) => part.length > 8)) {
    assert(!error.message.includes(part.slice(0, 8)), "the message repeats a part of the token");
  }
  return error;
}

function base64url(value: unknown): string {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return btoa(text).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

const ALGORITHMS = [
  ...["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"],
  ...["ES256", "ES384", "ES512", "EdDSA"],
] as SigningAlgorithm[];

for (const algorithm of ALGORITHMS) {
  Deno.test(`TokenValidator accepts ${algorithm} only if it is allowed`, async () => {
    const key = await makeIssuerKey(algorithm, "k1");
    const token = await signToken(key, GOOD);
    for (const keys of [configured(key), published(rsa, key)]) {
      const { sub } = await validator({ algorithms: [algorithm] }, keys).validate(token, never);
      assert.equal(sub, "gateway");
      const others = ALGORITHMS.filter((name) => name !== algorithm);
      const { message } = await fault(validator({ algorithms: others }, keys), token);
      assert.match(message, new RegExp(`^its algorithm ${algorithm} is not among those accepted`));
    }
  });
}

Deno.test("TokenValidator accepts Ed25519 if EdDSA is allowed (RFC 9864)", async () => {
  const key = await makeIssuerKey("EdDSA");
  const token = await signToken(key, GOOD, { alg: "Ed25519" });
  await validator({ algorithms: ["EdDSA"] }, configured(key)).validate(token, never);
});

const claims: [name: string, claims: Record<string, unknown>, reason: string | undefined][] = [
  ["all right", GOOD, undefined],
  ["one audience of several", { ...GOOD, aud: ["other", "store"] }, undefined],
  ["another audience", { ...GOOD, aud: "other" }, "its claim aud does not have the expected value"],
  [
    "other audiences",
    { ...GOOD, aud: ["a", "b"] },
    "its claim aud does not have the expected value",
  ],
  [
    "a longer audience",
    { ...GOOD, aud: "store2" },
    "its claim aud does not have the expected value",
  ],
  ["no audience", { ...GOOD, aud: undefined }, "its claim aud is missing"],
  [
    "another issuer",
    { ...GOOD, iss: `${ISSUER}/` },
    "its claim iss does not have the expected value",
  ],
  ["no issuer", { ...GOOD, iss: undefined }, "its claim iss is missing"],
  ["no expiry", { ...GOOD, exp: undefined }, "its claim exp is missing"],
  ["an expiry 59 s ago", { ...GOOD, exp: nowSeconds - 59 }, undefined],
  ["an expiry 60 s ago", { ...GOOD, exp: nowSeconds - 60 }, "it has expired (exp)"],
  ["a start 60 s ahead", { ...GOOD, nbf: nowSeconds + 60 }, undefined],
  ["a start 61 s ahead", { ...GOOD, nbf: nowSeconds + 61 }, "it is not valid yet (nbf)"],
  [
    "an expiry in words",
    { ...GOOD, exp: "never" },
    "its claim exp does not have the expected value",
  ],
];

for (const [name, payload, reason] of claims) {
  Deno.test(`TokenValidator: a token with ${name} ${reason === undefined ? "passes" : "does not"}`, async () => {
    const token = await signToken(rsa, payload);
    if (reason === undefined) await validator().validate(token, never);
    else assert.equal((await fault(validator(), token)).message, reason);
  });
}

Deno.test("TokenValidator reports the claim at fault and its value if the signature is valid", async () => {
  const wrong = { ...GOOD, aud: "https://other.test" };
  const { claim, found } = await fault(validator(), await signToken(rsa, wrong));
  assert.deepEqual({ claim, found }, { claim: "aud", found: "https://other.test" });
  const forged = await fault(validator(), await signToken(otherRsa, wrong));
  assert.deepEqual([forged.claim, forged.found], [undefined, undefined]);
});

Deno.test("TokenValidator accepts any configured issuer, and any issuer and audience if none is configured", async () => {
  const token = await signToken(rsa, GOOD);
  await validator({ issuers: ["https://a.test", ISSUER] }).validate(token, never);
  assert.equal((await fault(validator({ issuers: ["https://a.test"] }), token)).claim, "iss");
  const bare = await signToken(rsa, { exp: GOOD.exp });
  await validator({ issuers: [], audience: undefined }).validate(bare, never);
});

const BY_OTHER_KEY = "its signature does not match the issuer's key";
const NOT_A_JWT = "it is not a signed JWT: opaque and encrypted tokens cannot be checked";
const good = await signToken(rsa, GOOD);
const [header, payload, signature] = good.split(".") as [string, string, string];
const spki = await exportSPKI(await importJWK(rsa.publicJwk, "RS256") as CryptoKey);

const forged: [name: string, token: string, reason: string | RegExp][] = [
  ["signed with another key", await signToken(otherRsa, GOOD), BY_OTHER_KEY],
  [
    "whose claims were changed",
    `${header}.${base64url({ ...GOOD, sub: "admin" })}.${signature}`,
    BY_OTHER_KEY,
  ],
  [
    "without a signature (alg none)",
    `${base64url({ alg: "none" })}.${base64url(GOOD)}.`,
    /^its algorithm none is not among/,
  ],
  [
    "without a signature, alg None",
    `${base64url({ alg: "None" })}.${base64url(GOOD)}.`,
    /^its algorithm None is not among/,
  ],
  ["whose signature was removed", `${header}.${payload}.`, BY_OTHER_KEY],
  [
    "signed with the public key as the secret (HMAC)",
    await new SignJWT(GOOD).setProtectedHeader({ alg: "HS256" }).sign(
      new TextEncoder().encode(spki),
    ),
    /^its algorithm HS256 is not among/,
  ],
  [
    "whose header names no algorithm",
    `${base64url({ typ: "JWT" })}.${payload}.${signature}`,
    /none/,
  ],
  [
    "that demands an unknown extension",
    await signToken(rsa, GOOD, { crit: ["x"], x: 1 } as never).catch(() =>
      `${base64url({ alg: "RS256", crit: ["x"], x: 1 })}.${payload}.${signature}`
    ),
    "it has an unsupported form",
  ],
  ["that is opaque", "ya29.a0AfH6SMBx-not-a-jwt", NOT_A_JWT],
  ["that is opaque and has two dots", "not.a.jwt", NOT_A_JWT],
  ["that is empty", "", NOT_A_JWT],
  ["that is encrypted", `${base64url({ alg: "RSA-OAEP", enc: "A256GCM" })}.a.b.c.d`, NOT_A_JWT],
  [
    "whose claims are no object",
    `${header}.${base64url("[1]")}.${signature}`,
    BY_OTHER_KEY,
  ],
];

for (const [name, token, reason] of forged) {
  Deno.test(`TokenValidator rejects a token ${name}`, async () => {
    for (const keys of [configured(rsa), published(rsa)]) {
      const { message } = await fault(validator({}, keys), token);
      if (typeof reason !== "string") assert.match(message, reason);
      else if (message !== reason) {
        // A set selects by kid, and a forged header may have none.
        assert.equal(message, "no key of its issuer matches its header (alg, kid)");
      }
    }
  });
}

Deno.test("TokenValidator never selects a key for an algorithm that is not allowed", async () => {
  const keys: KeySet = {
    load: () => Promise.reject(new Error("asked")),
    find: () => Promise.reject(new Error("asked")),
  };
  const token = await new SignJWT(GOOD).setProtectedHeader({ alg: "HS256" })
    .sign(new TextEncoder().encode(spki));
  await fault(validator({}, keys), token);
});

Deno.test("TokenValidator ignores keys and key URLs in a token's header (jwk, jku, x5u, x5c)", async () => {
  const own = { jwk: otherRsa.publicJwk, jku: "https://evil.test/keys", x5u: "https://evil.test" };
  const token = await signToken(otherRsa, GOOD, own as never);
  assert.equal((await fault(validator(), token)).message, BY_OTHER_KEY);
});

Deno.test("TokenValidator does not verify an EC signature with an RSA key", async () => {
  const ec = await makeIssuerKey("ES256", "rsa");
  const token = await signToken(ec, GOOD);
  const { message } = await fault(validator({ algorithms: ["RS256", "ES256"] }), token);
  assert.equal(message, "no key of its issuer matches its header (alg, kid)");
});

Deno.test("TokenValidator tries every key of the right type for a token without kid", async () => {
  const keys = await Promise.all([1, 2, 3].map(() => makeIssuerKey("RS256")));
  const named = keys.map((key, i) => ({ ...key, publicJwk: { ...key.publicJwk, kid: `${i}` } }));
  for (const key of keys) {
    await validator({}, published(...named)).validate(await signToken(key, GOOD), never);
  }
  const stranger = await signToken(await makeIssuerKey("RS256"), GOOD);
  assert.equal((await fault(validator({}, published(...named)), stranger)).message, BY_OTHER_KEY);
});

const noKeys: readonly unknown[] = [
  null,
  5,
  "key",
  [],
  [null],
  {},
  { kty: null, kid: "rsa" },
  { kty: 5, alg: 5, use: 5, ext: "x", kid: "rsa" },
  { kty: "RSA", kid: "rsa" },
  { kty: "RSA", kid: "rsa", n: 5, e: {} },
  { kty: "RSA", kid: "rsa", key_ops: "verify" },
  { kty: "RSA", kid: "rsa", key_ops: [null] },
  { kty: "RSA", kid: "rsa", n: null, e: null, x5c: [null] },
];
const short = generateKeyPairSync("rsa", { modulusLength: 1024 }).publicKey;
const STRANGE = await signToken(await makeIssuerKey("RS256", "rsa"), GOOD);
for (const other of [...noKeys, { ...short.export({ format: "jwk" }), kid: "rsa" }]) {
  Deno.test(`TokenValidator finds the key beside ${JSON.stringify(other)} in a set`, async () => {
    for (const keys of [[other, rsa.publicJwk], [rsa.publicJwk, other]]) {
      const set = { load: () => Promise.resolve(), find: selectKeys({ keys }) };
      await validator({}, set).validate(good, never);
      assert.equal((await fault(validator({}, set), STRANGE)).message, BY_OTHER_KEY);
    }
  });
}

Deno.test("TokenValidator ignores encryption keys, secret keys and damaged keys of a set", async () => {
  const broken = { kty: "RSA", kid: "rsa", n: "!", e: "AQAB" };
  const select = selectKeys({
    keys: [
      { ...rsa.publicJwk, use: "enc" },
      { kty: "oct", kid: "rsa", k: base64url("secret") },
      { ...rsa.publicJwk, alg: "RS512" },
      { ...rsa.publicJwk, key_ops: ["encrypt"] },
    ],
  });
  assert.deepEqual(await select({ alg: "RS256", kid: "rsa" }), []);
  const keys: KeySet = {
    load: () => Promise.resolve(),
    find: selectKeys({ keys: [broken] }),
  };
  assert.equal(
    (await fault(validator({}, keys), good)).message,
    "no key of its issuer matches its header (alg, kid)",
  );
});
