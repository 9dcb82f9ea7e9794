import assert from "node:assert/strict";
import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { readVerificationKey } from "../../src/config/values/verification_key.ts";

const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
const ec = generateKeyPairSync("ec", { namedCurve: "P-384" });
const ed = generateKeyPairSync("ed25519");
const weak = generateKeyPairSync("rsa", { modulusLength: 1024 });
const bitcoin = generateKeyPairSync("ec", { namedCurve: "secp256k1" });

/** Self-signed, for an RSA key of 2048 bits; made with `openssl req -x509`. */
const CERTIFICATE = new URL("../fixtures/verification_certificate.pem", import.meta.url);

function spki(key: KeyObject): string {
  return key.export({ type: "spki", format: "pem" }).toString();
}

function jwk(key: KeyObject, members: Record<string, unknown> = {}): string {
  return JSON.stringify({ ...key.export({ format: "jwk" }), ...members });
}

const pkcs1 = rsa.publicKey.export({ type: "pkcs1", format: "pem" }).toString();

const RSA = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"];

const good: [name: string, text: string, algorithms: string[], key: KeyObject][] = [
  ["a PEM public key", spki(rsa.publicKey), RSA, rsa.publicKey],
  ["a PEM public key with text around it", `key:\n${spki(rsa.publicKey)}\n`, RSA, rsa.publicKey],
  ["a PEM with literal \\n", spki(ec.publicKey).replaceAll("\n", "\\n"), ["ES384"], ec.publicKey],
  ["a PEM RSA public key (PKCS#1)", pkcs1, RSA, rsa.publicKey],
  ["a PEM EC public key", spki(ec.publicKey), ["ES384"], ec.publicKey],
  ["a PEM Ed25519 public key", spki(ed.publicKey), ["EdDSA"], ed.publicKey],
  ["a JWK", jwk(rsa.publicKey, { kid: "k1", use: "sig" }), RSA, rsa.publicKey],
  ["a JWK of one algorithm", jwk(rsa.publicKey, { alg: "PS384" }), ["PS384"], rsa.publicKey],
  ["an EC JWK", jwk(ec.publicKey), ["ES384"], ec.publicKey],
];

for (const [name, text, algorithms, key] of good) {
  Deno.test(`readVerificationKey reads ${name}`, () => {
    const result = readVerificationKey(text);
    assert.equal(result.fault, undefined);
    assert.deepEqual(result.key?.algorithms, algorithms);
    assert.deepEqual({ ...result.key?.publicJwk }, { ...key.export({ format: "jwk" }) });
  });
}

Deno.test("readVerificationKey reads a certificate", async () => {
  const { key } = readVerificationKey(await Deno.readTextFile(CERTIFICATE));
  assert.equal(key?.publicJwk["kty"], "RSA");
  assert.deepEqual(key?.algorithms, RSA);
});

const bad: [name: string, text: string, fault: RegExp][] = [
  ["text", "MIIB", /^must be a public key/],
  ["nothing", " ", /^must be a public key/],
  ["a damaged PEM", "-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----", /damaged/],
  [
    "a PEM private key",
    ec.privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
    /private key/,
  ],
  [
    "a PEM RSA private key beside its public one",
    spki(rsa.publicKey) + rsa.privateKey.export({ type: "pkcs1", format: "pem" }),
    /private key/,
  ],
  ["two keys", spki(rsa.publicKey) + spki(ec.publicKey), /one key; set JWKSUri/],
  ["a private JWK", jwk(ec.privateKey), /private or secret key/],
  ["a secret JWK", '{"kty":"oct","k":"c2VjcmV0"}', /private or secret key/],
  ["a JWK Set", `{"keys":[${jwk(rsa.publicKey)}]}`, /not a JWK Set; set JWKSUri/],
  ["a JWK to encrypt with", jwk(rsa.publicKey, { use: "enc" }), /"use" is not "sig"/],
  ["a JWK of another algorithm", jwk(rsa.publicKey, { alg: "ES256" }), /"alg" does not fit/],
  ["a JWK of no kind", '{"kty":"RSA"}', /damaged or of an unknown type/],
  ["broken JSON", "{", /not JSON/],
  ["an RSA key of 1024 bits", spki(weak.publicKey), /less than 2048 bits/],
  ["a key of another curve", spki(bitcoin.publicKey), /curve other than/],
];

for (const [name, text, fault] of bad) {
  Deno.test(`readVerificationKey refuses ${name}, without quoting it`, () => {
    const result = readVerificationKey(text);
    assert.match(result.fault ?? "", fault);
    for (const line of text.split(/[\s",:]+/).filter((part) => part.length > 20)) {
      assert(!result.fault?.includes(line));
    }
  });
}
