/**
 * Reads private keys that sign, in the formats of providers and tools: PEM (PKCS#8, PKCS#1, SEC 1),
 * JWK and JWK Set. Rejects keys that cannot be used; no message contains a part of one.
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

export type SigningAlgorithm = (typeof SIGNING_ALGORITHMS)[number];

/** A private key that signs assertions, and its algorithm. */
export interface SigningKey {
  /** The private key as a JWK (RFC 7517), in JSON. */
  readonly privateJwk: Secret;
  /** The public half as published, with `kid`, `alg` and `use`. */
  readonly publicJwk: Readonly<Record<string, string>>;
  readonly algorithm: SigningAlgorithm;
  /** The `kid` header; `undefined`: none is sent. */
  readonly keyId: string | undefined;
}

/** A key, or why it cannot be used. */
export type KeyResult<Key> =
  | { readonly key: Key; readonly fault?: never }
  | { readonly key?: never; readonly fault: string };

export interface PrivateKey {
  readonly key: KeyObject;
  readonly algorithms: KeyAlgorithms;
  /** The `kid` of a JWK. */
  readonly keyId: string | undefined;
}

/** The algorithms that a key can be used with, the usual one first. */
export type KeyAlgorithms = readonly [SigningAlgorithm, ...SigningAlgorithm[]];

/** The members of a public JWK that make its thumbprint (RFC 7638, section 3.2; RFC 8037). */
const THUMBPRINT_MEMBERS = ["crv", "e", "kty", "n", "x", "y"] as const;

const CURVES: Readonly<Record<string, SigningAlgorithm>> = {
  "P-256": "ES256",
  "P-384": "ES384",
  "P-521": "ES512",
};

/** RFC 7518, section 3.3: "A key of size 2048 bits or larger MUST be used". */
const LEAST_RSA_BITS = 2048;

/** Reads a private key: PEM, a JWK, or a JWK Set of one key. */
export function readPrivateKey(text: string): KeyResult<PrivateKey> {
  const trimmed = text.trim();
  return trimmed.startsWith("{") ? readJwk(trimmed) : readPem(trimmed);
}

/** Prepares a private key for signing with one of its algorithms. */
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

/** The SHA-256 thumbprint of a public key (RFC 7638), base64url-encoded. */
export function jwkThumbprint(publicJwk: Readonly<Record<string, string>>): string {
  const members = THUMBPRINT_MEMBERS.filter((name) => publicJwk[name] !== undefined);
  const canonical = JSON.stringify(Object.fromEntries(members.map((n) => [n, publicJwk[n]])));
  return createHash("sha256").update(canonical).digest("base64url");
}

/** The public half of a key as a JWK: only members of public keys, so that nothing private leaks. */
export function publicHalf(key: KeyObject): Record<string, string> {
  const publicKey = key.type === "public" ? key : createPublicKey(key);
  const jwk = publicKey.export({ format: "jwk" }) as Record<string, unknown>;
  const members = THUMBPRINT_MEMBERS.filter((name) => typeof jwk[name] === "string");
  return Object.fromEntries(members.map((name) => [name, String(jwk[name])]));
}

function readPem(pem: string): KeyResult<PrivateKey> {
  const fault = privateKeyFault(pem, "must be a private key: PEM (BEGIN PRIVATE KEY) or a JWK");
  if (fault !== undefined) return { fault };
  try {
    return checked(createPrivateKey(privateKeyIn(pem)), undefined, undefined);
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
    return checked(createPrivateKey({ key: jwk as never, format: "jwk" }), kid, alg);
  } catch {
    return { fault: "contains a JWK that is damaged or of an unknown type" };
  }
}

function checked(key: KeyObject, kid: unknown, alg: unknown): KeyResult<PrivateKey> {
  const algorithms = signatureAlgorithms(key, alg);
  if (typeof algorithms === "string") return { fault: algorithms };
  const keyId = typeof kid === "string" && kid !== "" ? kid : undefined;
  return { key: { key, algorithms, keyId } };
}

/** The algorithms of a key (RFC 7518, section 3.1), or the `alg` of its JWK alone; or what is wrong. */
export function signatureAlgorithms(key: KeyObject, alg: unknown): KeyAlgorithms | string {
  const algorithms = algorithmsOfKind(key);
  if (alg === undefined || typeof algorithms === "string") return algorithms;
  const own = algorithms.find((each) => each === alg);
  return own === undefined ? 'contains a JWK whose "alg" does not fit its kind of key' : [own];
}

function algorithmsOfKind(key: KeyObject): KeyAlgorithms | string {
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
