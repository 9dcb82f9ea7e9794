/**
 * Proves that whoever sends a token also holds the key it is bound to (RFC 9449). The key is made
 * here and never leaves: tokens bound to it are of no use to anyone else, other workers included.
 *
 * @module
 */
import { createHash, generateKeyPairSync } from "node:crypto";
import { type CryptoKey, importJWK, type JWK, SignJWT } from "jose";
import { jwkThumbprint } from "../../config/values/signing_key.ts";
import type { Clock } from "../../network/clock.ts";

/** The one algorithm that RFC 9449 examples, FAPI 2.0 and every known provider share. */
const ALGORITHM = "ES256";

/** What a proof is for. */
export interface ProofSubject {
  readonly method: string;
  /** The URL of the request; query and fragment are left out of the proof. */
  readonly url: string;
  /** The token that goes with the request, where one does. */
  readonly accessToken?: string;
}

/** A key, and the nonces that servers want in its proofs. */
export class DpopKey {
  /** Thumbprint of the key (RFC 7638), which bound tokens carry. */
  readonly thumbprint: string;
  readonly #publicJwk: JWK;
  readonly #privateJwk: JWK;
  readonly #clock: Pick<Clock, "now">;
  /** The last nonce of each server, by origin. */
  readonly #nonces = new Map<string, string>();
  #key: Promise<CryptoKey | Uint8Array> | undefined;

  /** @param clock Whose time the proofs say. */
  constructor(clock: Pick<Clock, "now">) {
    const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const { d, ...publicJwk } = privateKey.export({ format: "jwk" });
    this.#publicJwk = publicJwk as JWK;
    this.#privateJwk = { ...publicJwk, d } as JWK;
    this.thumbprint = jwkThumbprint(publicJwk as Record<string, string>);
    this.#clock = clock;
  }

  /**
   * Makes the proof for one request (RFC 9449, section 4.2).
   *
   * @returns The value of the `DPoP` header.
   */
  async proof({ method, url, accessToken }: ProofSubject): Promise<string> {
    this.#key ??= importJWK(this.#privateJwk, ALGORITHM);
    const { origin, pathname } = new URL(url);
    const nonce = this.#nonces.get(origin);
    return await new SignJWT({
      htm: method,
      htu: origin + pathname,
      ...(accessToken !== undefined && { ath: sha256(accessToken) }),
      ...(nonce !== undefined && { nonce }),
    })
      .setProtectedHeader({ typ: "dpop+jwt", alg: ALGORITHM, jwk: this.#publicJwk })
      .setJti(crypto.randomUUID())
      .setIssuedAt(Math.floor(this.#clock.now() / 1000))
      .sign(await this.#key);
  }

  /**
   * Takes note of the nonce that an answer brings (RFC 9449, section 8).
   *
   * @param url The URL that answered.
   * @returns Whether it is another than the last.
   */
  learnNonce(url: string, headers: Headers): boolean {
    const nonce = headers.get("dpop-nonce");
    const { origin } = new URL(url);
    if (nonce === null || this.#nonces.get(origin) === nonce) return false;
    this.#nonces.set(origin, nonce);
    return true;
  }
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("base64url");
}
