/**
 * A key that tokens are bound to, and the proofs of possession of it (RFC 9449). It is generated here
 * and never leaves this process: nobody else can use tokens bound to it, other workers included.
 */
import { createHash, generateKeyPairSync } from "node:crypto";
import { type CryptoKey, importJWK, type JWK, SignJWT } from "jose";
import { jwkThumbprint } from "../../config/values/signing_key.ts";
import type { Clock } from "../../network/clock.ts";

/** The algorithm that the examples of RFC 9449, FAPI 2.0 and all known providers share. */
const ALGORITHM = "ES256";

/** The request that a proof is for. */
export interface ProofSubject {
  readonly method: string;
  /** The URL of the request; the proof omits query and fragment. */
  readonly url: string;
  /** The token in the request. */
  readonly accessToken?: string;
}

/** A key, and the nonces that servers require in its proofs. */
export class DpopKey {
  /** Thumbprint of the key (RFC 7638), which bound tokens carry. */
  readonly thumbprint: string;
  readonly #publicJwk: JWK;
  readonly #privateJwk: JWK;
  readonly #clock: Pick<Clock, "now">;
  /** The last nonce of each server, by origin. */
  readonly #nonces = new Map<string, string>();
  #key: Promise<CryptoKey | Uint8Array> | undefined;

  constructor(clock: Pick<Clock, "now">) {
    const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const { d, ...publicJwk } = privateKey.export({ format: "jwk" });
    this.#publicJwk = publicJwk as JWK;
    this.#privateJwk = { ...publicJwk, d } as JWK;
    this.thumbprint = jwkThumbprint(publicJwk as Record<string, string>);
    this.#clock = clock;
  }

  /** The value of the `DPoP` header for one request (RFC 9449, section 4.2). */
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
   * Stores the nonce in a response (RFC 9449, section 8).
   *
   * @param url The URL that answered.
   * @returns Whether the nonce differs from the last one of that server.
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
