import assert from "node:assert/strict";
import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { importJWK, jwtVerify, SignJWT } from "jose";
import { CERTIFICATE_PEM } from "../fixtures/lasting_certificate.ts";
import {
  jwkThumbprint,
  readPrivateKey,
  type SigningAlgorithm,
  signingKey,
} from "../../src/config/values/signing_key.ts";

const RSA_ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"] as const;
const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey;
const ec = (namedCurve: string) => generateKeyPairSync("ec", { namedCurve }).privateKey;
const p256 = ec("P-256");
const p384 = ec("P-384");
const ed25519 = generateKeyPairSync("ed25519").privateKey;

const pem = (key: KeyObject, type: "pkcs1" | "pkcs8" | "sec1") =>
  String(key.export({ format: "pem", type }));
/** As variables hold it. */
const escaped = (text: string, lineBreak = "\\n") => text.replaceAll("\n", lineBreak);
const base64 = (text: string) => btoa(text).replace(/.{76}/g, "$&\n");
const jwk = (key: KeyObject, more: Record<string, unknown> = {}) =>
  JSON.stringify({ ...key.export({ format: "jwk" }), ...more });

const encrypted = (type: "pkcs1" | "pkcs8") =>
  String(
    rsa.export({ format: "pem", type: type as "pkcs8", cipher: "aes-128-cbc", passphrase: "x" }),
  );

const forms: [form: string, text: string, algorithms: readonly SigningAlgorithm[]][] = [
  ["an RSA key in PKCS#8", pem(rsa, "pkcs8"), RSA_ALGORITHMS],
  ["an RSA key in PKCS#1", pem(rsa, "pkcs1"), RSA_ALGORITHMS],
  ["an RSA key as JWK", jwk(rsa), RSA_ALGORITHMS],
  ["a JWK that names its algorithm", jwk(rsa, { alg: "PS384" }), ["PS384"]],
  ["a JWK Set of one key", JSON.stringify({ keys: [JSON.parse(jwk(p256))] }), ["ES256"]],
  ["a P-256 key in PKCS#8", pem(p256, "pkcs8"), ["ES256"]],
  ["a P-384 key in SEC 1", pem(p384, "sec1"), ["ES384"]],
  [
    "a SEC 1 key behind its parameters",
    `-----BEGIN EC PARAMETERS-----\nBgUrgQQAIg==\n-----END EC PARAMETERS-----\n${
      pem(p384, "sec1")
    }`,
    ["ES384"],
  ],
  ["a P-521 key as JWK", jwk(ec("P-521")), ["ES512"]],
  ["an Ed25519 key in PKCS#8", pem(ed25519, "pkcs8"), ["EdDSA"]],
  ["a key with blanks around it", `\n\n${pem(ed25519, "pkcs8")}\n `, ["EdDSA"]],
  ["literal \\n of a variable", escaped(pem(rsa, "pkcs8")), RSA_ALGORITHMS],
  ["literal \\n in quotes", `"${escaped(pem(p256, "sec1"))}"`, ["ES256"]],
  ["literal \\\\n of JSON in JSON", escaped(pem(rsa, "pkcs8"), "\\\\n"), RSA_ALGORITHMS],
  ["literal \\r\\n", escaped(pem(ed25519, "pkcs8"), "\\r\\n"), ["EdDSA"]],
  ["indented lines", pem(rsa, "pkcs1").replaceAll("\n", "\n    "), RSA_ALGORITHMS],
  ["blanks at the ends of lines", pem(rsa, "pkcs8").replaceAll("\n", " \t\n"), RSA_ALGORITHMS],
  [
    "base64 on one line",
    pem(rsa, "pkcs8").replace(/(?<=[\w+/=])\n(?=[\w+/=])/g, ""),
    RSA_ALGORITHMS,
  ],
  ["a bag of PKCS#12", `Bag Attributes\n    localKeyID: 01 \n${pem(rsa, "pkcs8")}`, RSA_ALGORITHMS],
  ["a Windows file", pem(rsa, "pkcs8").replaceAll("\n", "\r\n"), RSA_ALGORITHMS],
];
for (const [form, text, algorithms] of forms) {
  Deno.test(`readPrivateKey reads ${form}, and its public half verifies what it signs`, async () => {
    const { key, fault } = readPrivateKey(text);
    assert.equal(fault, undefined);
    assert.deepEqual(key?.algorithms, algorithms);
    for (const algorithm of algorithms) {
      const { privateJwk, publicJwk, ...signing } = signingKey(key!, algorithm, undefined);
      assert.equal(signing.algorithm, algorithm);
      assert.equal(publicJwk["alg"], algorithm);
      assert.equal(publicJwk["use"], "sig");
      const signer = await importJWK(JSON.parse(privateJwk.reveal()), algorithm);
      const jwt = await new SignJWT().setProtectedHeader({ alg: algorithm }).sign(signer);
      await jwtVerify(jwt, await importJWK(publicJwk, algorithm));
    }
  });
}

const faults: [form: string, text: string, fault: RegExp][] = [
  ["nothing", "  ", /^must be a private key: PEM \(BEGIN PRIVATE KEY\) or a JWK$/],
  ["a path", "/run/secrets/key.pem", /^must be a private key/],
  [
    "a public key",
    "-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----",
    /with a private key .*, not a certificate or public key$/,
  ],
  [
    "an encrypted key",
    "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIB\n-----END ENCRYPTED PRIVATE KEY-----",
    /without a passphrase/,
  ],
  [
    "an encrypted key of OpenSSL's own",
    encrypted("pkcs1"),
    /^must .* without a passphrase: `openssl/,
  ],
  [
    "an encrypted PKCS#8 key",
    escaped(encrypted("pkcs8")),
    /^must .* without a passphrase: `openssl/,
  ],
  [
    "a key of ssh-keygen",
    "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNz\n-----END OPENSSH PRIVATE KEY-----",
    /OpenSSH's format: `ssh-keygen -p -N '' -m PKCS8/,
  ],
  ["a key of PuTTY", "PuTTY-User-Key-File-3: ssh-rsa\nEncryption: none\n", /PuTTY's format/],
  ["a PEM whose lines are joined", pem(rsa, "pkcs8").replaceAll("\n", ""), /on one line: write/],
  ["a PEM whose lines are joined by blanks", escaped(pem(rsa, "pkcs8"), " "), /on one line: write/],
  ["a short PEM on one line", escaped(pem(ed25519, "pkcs8"), " "), /on one line: write/],
  ["a PEM in base64", base64(pem(rsa, "pkcs8")), /^contains a PEM file in base64: decode/],
  ["a JWK in base64", base64(jwk(p256)), /^contains JSON in base64: decode/],
  [
    "a PEM without its first and last line",
    pem(rsa, "pkcs8").replace(/-----[^-]+-----\n/g, ""),
    /^lacks the lines BEGIN PRIVATE KEY and END PRIVATE KEY/,
  ],
  ["a certificate", CERTIFICATE_PEM, /with a private key .*, not a certificate or public key$/],
  ["a damaged PEM", pem(rsa, "pkcs8").replace("MII", "MIJ"), /damaged/],
  ["a cut PEM", pem(rsa, "pkcs8").slice(0, 500), /: it is cut off$/],
  ["half a JSON", '{"kty":"RSA",', /not JSON/],
  ["a public JWK", JSON.stringify(signingKeyOf(p256).publicJwk), /no "d"/],
  ["a secret as JWK", '{"kty":"oct","k":"c2VjcmV0"}', /no "d"/],
  ["a damaged JWK", '{"kty":"EC","crv":"P-256","d":"AA","x":"AA","y":"AA"}', /damaged/],
  ["a set of two", JSON.stringify({ keys: [1, 2] }), /must contain one key/],
  ["a set of nothing", '{"keys":[null]}', /must contain a JWK object/],
  ["an algorithm that does not fit", jwk(p256, { alg: "ES384" }), /"alg" does not fit/],
  ["an algorithm that signs nothing", jwk(rsa, { alg: "RSA-OAEP" }), /"alg" does not fit/],
  [
    "a short RSA key",
    pem(generateKeyPairSync("rsa", { modulusLength: 1024 }).privateKey, "pkcs8"),
    /less than 2048 bits/,
  ],
  ["a curve of no algorithm", pem(ec("secp256k1"), "pkcs8"), /other than P-256/],
  ["a key that agrees", pem(generateKeyPairSync("x25519").privateKey, "pkcs8"), /cannot sign/],
];
for (const [form, text, fault] of faults) {
  Deno.test(`readPrivateKey refuses ${form}, without quoting it`, () => {
    const result = readPrivateKey(text);
    assert.match(result.fault ?? "", fault);
    for (const word of text.split(/\s+/).filter((each) => each.length > 40)) {
      assert(!result.fault?.includes(word.slice(0, 20)));
    }
  });
}

Deno.test("signingKey publishes nothing of the private half", () => {
  for (const key of [rsa, p256, p384, ed25519]) {
    const members = Object.keys(signingKeyOf(key).publicJwk);
    for (const secret of ["d", "p", "q", "dp", "dq", "qi", "k", "oth"]) {
      assert(!members.includes(secret), secret);
    }
  }
});

Deno.test("jwkThumbprint agrees with RFC 8037, appendix A.3", () => {
  const x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
  assert.equal(
    jwkThumbprint({ kty: "OKP", crv: "Ed25519", x, use: "sig" }),
    "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k",
  );
});

Deno.test("signingKey publishes the configured kid, or else the thumbprint", () => {
  const { key } = readPrivateKey(pem(p256, "pkcs8"));
  const named = signingKey(key!, "ES256", "2026-01");
  assert.equal(named.publicJwk["kid"], "2026-01");
  assert.equal(named.keyId, "2026-01");
  const unnamed = signingKey(key!, "ES256", undefined);
  assert.match(unnamed.publicJwk["kid"] ?? "", /^[\w-]{43}$/);
  assert.equal(unnamed.keyId, undefined);
});

function signingKeyOf(key: KeyObject) {
  const read = readPrivateKey(pem(key, "pkcs8"));
  return signingKey(read.key!, read.key!.algorithms[0], undefined);
}
