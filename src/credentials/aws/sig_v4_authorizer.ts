/**
 * Signs requests with AWS access keys (Signature Version 4). What is signed is what is sent: the URL is
 * written in the form that both sides read alike, and a body is read to its end first if its hash is
 * signed. A clock that the store finds wrong is corrected once.
 */
import type { PayloadSigning } from "../../config/schemes/aws/aws.ts";
import { wholeRequestBody } from "../../dicomweb/completeness/whole_body.ts";
import { GatewayError } from "../../errors/gateway_error.ts";
import type { Logger } from "../../telemetry/logger.ts";
import type {
  Authorization,
  Authorizer,
  CredentialStatus,
  OutboundRequest,
} from "../authorizer.ts";
import { type AccessKeys, keysOf } from "./access_keys.ts";
import type { AwsClock } from "./aws_clock.ts";
import type { KeysKeeper } from "./keys_keeper.ts";
import {
  keptPayload,
  NO_PAYLOAD,
  type Payload,
  streamedPayload,
  UNSIGNED_PAYLOAD,
} from "./payload.ts";
import { signRequest } from "./request_signature.ts";
import { signedUrl } from "./signed_url.ts";
import { isClockFault, isKeysFault, readStoreRefusal } from "./store_refusal.ts";
import type { BodySpool } from "./body_spool.ts";
import { findAdvice } from "../provider_advice.ts";
import type { Token } from "../token.ts";

/** What is signed, and with which keys. */
export interface SigV4AuthorizerOptions {
  /** Name of the configured server. */
  readonly server: string;
  readonly region: string;
  readonly service: string;
  readonly payloadSigning: PayloadSigning;
  /** Provides the access keys; it is closed with this authorizer. */
  readonly keeper: KeysKeeper;
  readonly spool: BodySpool;
  readonly awsClock: AwsClock;
  readonly logger: Logger;
}

interface Signing {
  readonly token: Token;
  readonly keys: AccessKeys;
  readonly derived: Map<string, ArrayBuffer>;
}

/** Puts a signature into the `Authorization` header. */
export class SigV4Authorizer implements Authorizer {
  readonly #options: SigV4AuthorizerOptions;
  /** The keys in the last token, and the keys derived from them. */
  #signing: Signing | undefined;
  /** The token of each authorization, and the number of the clock's corrections by then. */
  readonly #signedWith = new WeakMap<
    Authorization,
    { readonly token: Token; readonly corrections: number }
  >();

  constructor(options: SigV4AuthorizerOptions) {
    this.#options = options;
  }

  /**
   * Signs a request. Removes headers of the client that only a signature may have.
   *
   * @throws {GatewayError} NET-005 for a URL that cannot be signed, INT-003 if the body cannot be kept;
   * as `TokenManager.token`.
   */
  async authorize(request: OutboundRequest): Promise<Authorization> {
    const { keeper, server } = this.#options;
    const url = signedUrl(request.url);
    if (url === undefined) {
      throw new GatewayError(
        "NET-005",
        "Cannot sign the request: its path or query contains encoded octets that are not UTF-8",
        { server },
      );
    }
    for (const name of [...request.headers.keys()]) {
      if (name.startsWith("x-amz-")) request.headers.delete(name);
    }
    // Without keys the body need not be read …
    await keeper.token(request.signal);
    const payload = await this.#payload(request);
    try {
      // … but reading it may take long, and keys expire.
      const token = keeper.current() ?? await keeper.token(request.signal);
      return await this.#sign(request, url, payload, token);
    } catch (error) {
      if (payload.kept !== request.kept) payload.kept?.close();
      throw error;
    }
  }

  /** Corrects the clock or discards the keys, if the refusal says so. */
  async invalidate(authorization: Authorization, refusal: Response): Promise<boolean> {
    const { server, awsClock, logger, keeper } = this.#options;
    const { error, description } = await readStoreRefusal(refusal);
    const signedWith = this.#signedWith.get(authorization);
    if (isClockFault(refusal.status, error)) {
      if (signedWith !== undefined && signedWith.corrections < awsClock.corrections) return true;
      const skewMs = awsClock.correct(refusal.headers.get("date"));
      if (skewMs !== undefined) {
        logger.warn(
          `Clock differs from that of server "${server}"; signing with the server's time`,
          { server, skew_seconds: Math.round(skewMs / 1000) },
        );
        return true;
      }
    }
    if (isKeysFault(refusal.status, error) && signedWith !== undefined) {
      if (await keeper.invalidate(signedWith.token)) return true;
    }
    const { status } = refusal;
    const advice = findAdvice({ endpoint: "", provider: "aws", status, error, description });
    if (advice !== undefined) {
      logger.warn(`Server "${server}" rejected a request: ${error}`, {
        server,
        status,
        advice: advice.steps.join("; "),
      });
    }
    return false;
  }

  /** Keys of the configuration never expire. */
  describe(): CredentialStatus {
    const { keeper } = this.#options;
    const token = keeper.current();
    const expiresAtMs = token?.expiresAtMs ?? Infinity;
    return {
      kind: "aws",
      endpoint: keeper.endpoint,
      hasToken: token !== undefined,
      expiresAtMs: Number.isFinite(expiresAtMs) ? expiresAtMs : undefined,
    };
  }

  /** @throws {GatewayError} As `TokenManager.renew`. */
  async renew(signal: AbortSignal = new AbortController().signal): Promise<void> {
    await this.#options.keeper.renew(signal);
  }

  /** @throws {GatewayError} As `TokenManager.forget`. */
  async forget(revocation: string): Promise<void> {
    await this.#options.keeper.forget(revocation);
  }

  /** Stops background renewal. */
  async close(): Promise<void> {
    await this.#options.keeper.close();
  }

  async #payload({ body, kept, headers, signal }: OutboundRequest): Promise<Payload> {
    const { region, service, payloadSigning, spool } = this.#options;
    const isUnsigned = payloadSigning === "unsigned";
    if (kept !== undefined) return isUnsigned ? UNSIGNED_PAYLOAD : await keptPayload(kept);
    if (body === null) return NO_PAYLOAD;
    if (isUnsigned) return UNSIGNED_PAYLOAD;
    const whole = wholeRequestBody(body, headers);
    // The framing needs the body's length in advance.
    const length = headers.get("content-length");
    if (payloadSigning === "streaming" && length !== null) {
      const encoding = headers.get("content-encoding");
      return streamedPayload(whole, { length: Number(length), encoding, region, service });
    }
    return await keptPayload(await spool.keep(whole, signal));
  }

  async #sign(
    { method, headers }: OutboundRequest,
    url: string,
    payload: Payload,
    token: Token,
  ): Promise<Authorization> {
    const { region, service, awsClock } = this.#options;
    const contentType = headers.get("content-type");
    const { "content-length": contentLength, ...payloadHeaders } = payload.headers;
    const { keys, derived } = this.#signingWith(token);
    const { corrections } = awsClock;
    const atMs = awsClock.now();
    const signed = await signRequest(
      {
        method,
        url,
        headers: {
          ...(contentType !== null && { "content-type": contentType }),
          ...payloadHeaders,
          "x-amz-content-sha256": payload.hash,
        },
      },
      keys,
      { region, service, atMs },
      derived,
    );
    const signature = signed["authorization"]?.split("Signature=")[1] ?? "";
    const authorization: Authorization = {
      headers: {
        ...signed,
        ...(contentLength !== undefined && { "content-length": contentLength }),
      },
      url,
      ...(payload.body && { body: payload.body(signature, keys, atMs) }),
      ...(payload.kept && { kept: payload.kept }),
    };
    this.#signedWith.set(authorization, { token, corrections });
    return authorization;
  }

  #signingWith(token: Token): Signing {
    if (this.#signing?.token === token) return this.#signing;
    return this.#signing = { token, keys: keysOf(token), derived: new Map() };
  }
}
