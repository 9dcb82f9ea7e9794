/**
 * Reads the public key that tokens must be signed with, in the forms that providers hand out: PEM
 * (SubjectPublicKeyInfo, PKCS#1, certificate) and JWK. A private key is refused: what stands in
 * `JWTPublicKey` is not kept as a secret.
 *
 * @module
 */
import { createPublicKey, type KeyObject } from "node:crypto";
import {
  type KeyResult,
  publicHalf,
  signatureAlgorithms,
  type SigningAlgorithm,
} from "./signing_key.ts";

/** A public key as a JWK (RFC 7517), its key material alone. */
export type PublicJwk = Readonly<Record<string, string>>;

/** A public key and what it can verify. */
export interface VerificationKey {
  readonly publicJwk: PublicJwk;
  /** The algorithms whose signatures it verifies, the usual one first. Never empty. */
  readonly algorithms: readonly [SigningAlgorithm, ...SigningAlgorithm[]];
}

// Each search for an end begins anew: only the administrator's files are read with it.
const PEM = /-----BEGIN (PUBLIC KEY|RSA PUBLIC KEY|CERTIFICATE)-----[\s\S]+?-----END \1-----/g;

/**
 * Reads a public key.
 *
 * @param text PEM or a JWK.
 * @returns The key, or why it cannot be used.
 */
export function readVerificationKey(text: string): KeyResult<VerificationKey> {
  const trimmed = text.trim();
  return trimmed.startsWith("{") ? readJwk(trimmed) : readPem(trimmed);
}

function readPem(text: string): KeyResult<VerificationKey> {
  if (/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(text)) {
    return { fault: "contains a private key; give the public key instead" };
  }
  const [pem, ...more] = text.match(PEM) ?? [];
  if (pem === undefined) {
    return { fault: "must be a public key: PEM (BEGIN PUBLIC KEY), a certificate or a JWK" };
  }
  if (more.length > 0) return { fault: "must contain one key; set JWKSUri if there are several" };
  try {
    return judged(createPublicKey(pem), undefined);
  } catch {
    return {
      fault: "contains a PEM public key or certificate that is damaged or of an unknown type",
    };
  }
}

function readJwk(text: string): KeyResult<VerificationKey> {
  let jwk: Record<string, unknown>;
  try {
    jwk = JSON.parse(text);
  } catch {
    return { fault: "starts like a JWK but is not JSON" };
  }
  if (Array.isArray(jwk["keys"])) {
    return { fault: "must contain one key, not a JWK Set; set JWKSUri if there are several" };
  }
  if (jwk["d"] !== undefined || jwk["k"] !== undefined) {
    return {
      fault: "contains a private or secret key; give the public key instead",
    };
  }
  if (jwk["use"] !== undefined && jwk["use"] !== "sig") {
    return { fault: 'contains a JWK whose "use" is not "sig"' };
  }
  try {
    return judged(createPublicKey({ key: jwk as never, format: "jwk" }), jwk["alg"]);
  } catch {
    return { fault: "contains a JWK that is damaged or of an unknown type" };
  }
}

function judged(key: KeyObject, alg: unknown): KeyResult<VerificationKey> {
  const algorithms = signatureAlgorithms(key);
  if (typeof algorithms === "string") return { fault: algorithms };
  const publicJwk = publicHalf(key);
  if (alg === undefined) return { key: { publicJwk, algorithms } };
  const own = algorithms.find((each) => each === alg);
  return own === undefined
    ? { fault: 'contains a JWK whose "alg" does not fit its kind of key' }
    : { key: { publicJwk, algorithms: [own] } };
}
