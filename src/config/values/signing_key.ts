/**
 * Reads private keys to sign with, in the forms that providers and tools hand out: PEM (PKCS#8,
 * PKCS#1, SEC 1), JWK and JWK Set. A key that cannot be used is found here, before the gateway
 * serves; no message holds a part of it.
 *
 * @module
 */
import { createHash, createPrivateKey, createPublicKey, type KeyObject } from "node:crypto";
import { privateKeyFault, privateKeyIn } from "./pem.ts";
import { Secret } from "./secret.ts";

/** Algorithms of a key pair (RFC 7518, section 3.1; RFC 8037, section 3.1). */
export const SIGNING_ALGORITHMS = [
  "RS256",
  "RS384",
  "RS512",
  "PS256",
  "PS384",
  "PS512",
  "ES256",
  "ES384",
  "ES512",
  "EdDSA",
] as const;

/** An algorithm of a key pair. */
export type SigningAlgorithm = (typeof SIGNING_ALGORITHMS)[number];

/** A private key to sign assertions with. */
export interface SigningKey {
  /** The private key as a JWK (RFC 7517), in JSON. */
  readonly privateJwk: Secret;
  /** Its public half as it is published, `kid`, `alg` and `use` included. */
  readonly publicJwk: Readonly<Record<string, string>>;
  readonly algorithm: SigningAlgorithm;
  /** The `kid` header, where one is sent. */
  readonly keyId: string | undefined;
}

/** A key that was read, or why it cannot be used. */
export type KeyResult<Key> =
  | { readonly key: Key; readonly fault?: never }
  | { readonly key?: never; readonly fault: string };

/** A private key and what it says about itself. */
export interface PrivateKey {
  readonly key: KeyObject;
  /** The algorithms it can sign with, its own first. Never empty. */
  readonly algorithms: readonly [SigningAlgorithm, ...SigningAlgorithm[]];
  /** The `kid` of a JWK. */
  readonly keyId: string | undefined;
}

/** The members of a public JWK that make its thumbprint (RFC 7638, section 3.2; RFC 8037). */
const THUMBPRINT_MEMBERS = ["crv", "e", "kty", "n", "x", "y"] as const;

const CURVES: Readonly<Record<string, SigningAlgorithm>> = {
  "P-256": "ES256",
  "P-384": "ES384",
  "P-521": "ES512",
};

/** RFC 7518, section 3.3: "A key of size 2048 bits or larger MUST be used". */
const LEAST_RSA_BITS = 2048;

/**
 * Reads a private key.
 *
 * @param text PEM, a JWK, or a JWK Set of one key.
 * @returns The key, or why it cannot be used.
 */
export function readPrivateKey(text: string): KeyResult<PrivateKey> {
  const trimmed = text.trim();
  return trimmed.startsWith("{") ? readJwk(trimmed) : readPem(trimmed);
}

/**
 * Makes of a private key what signs assertions.
 *
 * @param algorithm One that it can sign with.
 * @param keyId The `kid` to send, where one is.
 * @returns The key with its public half.
 */
export function signingKey(
  { key }: PrivateKey,
  algorithm: SigningAlgorithm,
  keyId: string | undefined,
): SigningKey {
  const publicJwk = publicHalf(key);
  return {
    privateJwk: new Secret(JSON.stringify(key.export({ format: "jwk" }))),
    publicJwk: {
      ...publicJwk,
      kid: keyId ?? jwkThumbprint(publicJwk),
      alg: algorithm,
      use: "sig",
    },
    algorithm,
    keyId,
  };
}

/**
 * The thumbprint of a public key (RFC 7638).
 *
 * @returns Its SHA-256 thumbprint, base64url-encoded.
 *
 * @example
 * ```ts
 * import { jwkThumbprint } from "./signing_key.ts";
 * import assert from "node:assert/strict";
 *
 * // RFC 8037, appendix A.3
 * const x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
 * assert.equal(
 *   jwkThumbprint({ kty: "OKP", crv: "Ed25519", x }),
 *   "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k",
 * );
 * ```
 */
export function jwkThumbprint(publicJwk: Readonly<Record<string, string>>): string {
  const members = THUMBPRINT_MEMBERS.filter((name) => publicJwk[name] !== undefined);
  const canonical = JSON.stringify(Object.fromEntries(members.map((n) => [n, publicJwk[n]])));
  return createHash("sha256").update(canonical).digest("base64url");
}

/**
 * The public half of a key: only members that make up one, so that nothing private can slip through.
 *
 * @returns The public key as a JWK.
 */
export function publicHalf(key: KeyObject): Record<string, string> {
  const publicKey = key.type === "public" ? key : createPublicKey(key);
  const jwk = publicKey.export({ format: "jwk" }) as Record<string, unknown>;
  const members = THUMBPRINT_MEMBERS.filter((name) => typeof jwk[name] === "string");
  return Object.fromEntries(members.map((name) => [name, String(jwk[name])]));
}

function readPem(pem: string): KeyResult<PrivateKey> {
  const armoured = privateKeyIn(pem);
  if (armoured === "") {
    return { fault: "must be a private key: PEM (BEGIN PRIVATE KEY) or a JWK" };
  }
  const fault = privateKeyFault(armoured);
  if (fault !== undefined) return { fault };
  try {
    return judged(createPrivateKey(armoured), undefined, undefined);
  } catch {
    return { fault: "contains a PEM private key that is damaged or of an unknown type" };
  }
}

function readJwk(text: string): KeyResult<PrivateKey> {
  let jwk: unknown;
  try {
    jwk = JSON.parse(text);
  } catch {
    return { fault: "starts like a JWK but is not JSON" };
  }
  const { keys } = jwk as { keys?: unknown };
  if (Array.isArray(keys)) {
    if (keys.length !== 1) {
      return { fault: "must contain one key: give each key of a set separately" };
    }
    jwk = keys[0];
  }
  if (typeof jwk !== "object" || jwk === null) return { fault: "must contain a JWK object" };
  const { d, kid, alg } = jwk as Record<string, unknown>;
  if (typeof d !== "string") {
    return {
      fault: 'must hold a private key: this JWK has no "d", so it is a public or secret one',
    };
  }
  try {
    return judged(createPrivateKey({ key: jwk as never, format: "jwk" }), kid, alg);
  } catch {
    return { fault: "contains a JWK that is damaged or of an unknown type" };
  }
}

function judged(key: KeyObject, kid: unknown, alg: unknown): KeyResult<PrivateKey> {
  const algorithms = signatureAlgorithms(key);
  if (typeof algorithms === "string") return { fault: algorithms };
  const keyId = typeof kid === "string" && kid !== "" ? kid : undefined;
  if (alg === undefined) return { key: { key, algorithms, keyId } };
  const own = algorithms.find((each) => each === alg);
  if (own === undefined) {
    return { fault: 'contains a JWK whose "alg" does not fit its kind of key' };
  }
  return { key: { key, algorithms: [own], keyId } };
}

/**
 * The signature algorithms that a key is good for (RFC 7518, section 3.1).
 *
 * @returns The algorithms, the usual one first; or what is wrong with the key.
 */
export function signatureAlgorithms(key: KeyObject): PrivateKey["algorithms"] | string {
  switch (key.asymmetricKeyType) {
    case "rsa":
    case "rsa-pss": {
      if ((key.asymmetricKeyDetails?.modulusLength ?? 0) < LEAST_RSA_BITS) {
        return `contains an RSA key of less than ${LEAST_RSA_BITS} bits`;
      }
      return key.asymmetricKeyType === "rsa-pss"
        ? ["PS256", "PS384", "PS512"]
        : ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"];
    }
    case "ec": {
      const { crv } = key.export({ format: "jwk" });
      const algorithm = CURVES[String(crv)];
      return algorithm === undefined
        ? "contains a key of a curve other than P-256, P-384 and P-521"
        : [algorithm];
    }
    case "ed25519":
      return ["EdDSA"];
    default:
      return "contains a key that cannot sign or verify: RSA, EC and Ed25519 keys can";
  }
}
