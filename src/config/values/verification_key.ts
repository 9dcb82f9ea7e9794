/**
 * Reads public keys that verify tokens, in the formats of providers: PEM (SubjectPublicKeyInfo, PKCS#1,
 * certificate) and JWK. Rejects private keys: the value of `JWTPublicKey` is not treated as a secret.
 */
import { createPublicKey, type KeyObject } from "node:crypto";
import { pemLines } from "./pem.ts";
import {
  type KeyAlgorithms,
  type KeyResult,
  publicHalf,
  signatureAlgorithms,
} from "./signing_key.ts";

/** A public key as a JWK (RFC 7517), only its key material. */
export type PublicJwk = Readonly<Record<string, string>>;

/** A public key and the algorithms whose signatures it verifies. */
export interface VerificationKey {
  readonly publicJwk: PublicJwk;
  readonly algorithms: KeyAlgorithms;
}

// Each search for an end begins anew: only the administrator's files are read with it.
const PEM = /-----BEGIN (PUBLIC KEY|RSA PUBLIC KEY|CERTIFICATE)-----[\s\S]+?-----END \1-----/g;

/** Reads a public key: PEM or a JWK. */
export function readVerificationKey(text: string): KeyResult<VerificationKey> {
  const trimmed = text.trim();
  return trimmed.startsWith("{") ? readJwk(trimmed) : readPem(trimmed);
}

function readPem(text: string): KeyResult<VerificationKey> {
  if (/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(text)) {
    return { fault: "contains a private key; give the public key instead" };
  }
  const [pem, ...more] = pemLines(text).match(PEM) ?? [];
  if (pem === undefined) {
    return { fault: "must be a public key: PEM (BEGIN PUBLIC KEY), a certificate or a JWK" };
  }
  if (more.length > 0) return { fault: "must contain one key; set JWKSUri if there are several" };
  try {
    return checked(createPublicKey(pem), undefined);
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
    return checked(createPublicKey({ key: jwk as never, format: "jwk" }), jwk["alg"]);
  } catch {
    return { fault: "contains a JWK that is damaged or of an unknown type" };
  }
}

function checked(key: KeyObject, alg: unknown): KeyResult<VerificationKey> {
  const algorithms = signatureAlgorithms(key, alg);
  return typeof algorithms === "string"
    ? { fault: algorithms }
    : { key: { publicJwk: publicHalf(key), algorithms } };
}
