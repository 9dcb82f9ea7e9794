/**
 * Signs requests and sends them to one store: only here, a credential is added to a request. A rejected
 * credential is renewed once; redirects are followed only within the store's base URL. The credential is
 * masked in the store's error responses.
 */
import type { ServerConfig } from "../config/keys/server.ts";
import type { Authorization, Authorizer, KeptBody } from "../credentials/authorizer.ts";
import { CredentialMask } from "../credentials/credential_mask.ts";
import { SizedBody } from "../network/sized_body.ts";
import { BodyCheck, contentLength, isChunked } from "../dicomweb/completeness/body_check.ts";
import { azureSiblings, type StoreSibling } from "../dicomweb/urls/url_map.ts";
import {
  isChecked,
  wholeAnswerBody,
  wholeRequestBody,
} from "../dicomweb/completeness/whole_body.ts";
import { GatewayError } from "../errors/gateway_error.ts";
import { headerList } from "../network/header_fields.ts";
import { isFromGzip } from "../network/http1/content_decoding.ts";
import type { HttpClient, RequestBody } from "../network/http_client.ts";
import type { Logger } from "../telemetry/logger.ts";
import type { Metrics } from "../telemetry/metrics.ts";
import { mayBeTooLong } from "./long_credential.ts";
import { redirectTarget } from "./redirect_target.ts";
import { StoreResilience } from "./store_resilience.ts";

export interface StoreClientOptions {
  readonly config: ServerConfig;
  readonly authorizer: Authorizer;
  readonly http: HttpClient;
  readonly logger: Logger;
  readonly metrics?: Metrics;
}

type Body = ReadableStream<Uint8Array<ArrayBuffer>>;

/** A request to a store. */
export interface StoreRequest {
  readonly method: string;
  /** Path below the store's base URL, and query. */
  readonly target: string;
  /** Replaces the base URL and the target's path. */
  readonly resource?: string | undefined;
  /** End-to-end headers, without credentials. Owned by the request: signing adds to them. */
  readonly headers: Headers;
  readonly body: Body | null;
  /** Takes the place of `body`; the caller closes it. */
  readonly kept?: KeptBody | undefined;
  readonly signal: AbortSignal;
  /** Nobody waits for it: it is not repeated. */
  readonly isOptional?: boolean | undefined;
}

/** What the attempts of one request share. */
interface Signing {
  readonly url: string;
  readonly keep: (body: KeptBody) => unknown;
  kept?: KeptBody;
  /** Whether a new credential was tried after a rejected one. */
  hasRenewed: boolean;
}

/** Media types whose content does not show its own end: DICOM, pixel data, archives; not text. */
const OPAQUE = /^(?!text\/)[^/]+\//i;

export class StoreClient {
  readonly #url: string;
  readonly #options: StoreClientOptions;
  readonly #siblings: readonly StoreSibling[];
  readonly #resilience: StoreResilience;
  /** Lengths of the `Authorization` header: the longest that the store accepted, the last reported. */
  readonly #lengths = { accepted: 0, reported: 0 };
  /** The last mask, and the headers that it masks: most credentials serve many requests. */
  #mask: { readonly of: string; readonly mask: CredentialMask } | undefined;

  constructor(options: StoreClientOptions) {
    this.#url = options.config.url;
    this.#options = options;
    const { config, logger, metrics } = options;
    this.#siblings = config.profile.name === "azure" ? azureSiblings(config.url) : [];
    this.#resilience = new StoreResilience({
      server: config.name,
      configured: config.storeResilience,
      logger,
      metrics,
    });
  }

  /**
   * Sends a request, with retries.
   *
   * @param keep Called with a body that signing had to keep; the caller closes it at the end.
   * @throws {GatewayError} NET-004 for a redirect that leads elsewhere, TOK-002 if the store rejects the
   * credential of a body that cannot be sent again, NET-010 while the circuit is open, and what signing
   * and sending throw.
   * @throws The signal's reason when it aborts.
   */
  async send(request: StoreRequest, keep: (body: KeptBody) => unknown): Promise<Response> {
    let url = this.#urlOf(request);
    for (let redirects = 0;; redirects++) {
      const response = await this.#sendSigned(url, request, keep);
      const location = response.headers.get("location");
      if (location === null || response.status < 300 || response.status >= 400) return response;
      await response.body?.cancel();
      const from = { url, status: response.status, redirects };
      url = redirectTarget(location, from, request, this.#options.config);
    }
  }

  /**
   * Signs a request and makes one attempt by another transport than `send` does.
   *
   * @param transport Called with the signed URL; the headers of the request are signed, too.
   */
  attempt(request: StoreRequest, transport: (url: string) => Promise<Response>): Promise<Response> {
    const signing = { url: this.#urlOf(request), keep: () => {}, hasRenewed: false };
    return this.#attempt(request, signing, transport);
  }

  /** Resources beside the base URL are requested there: Azure's change feed, if it has partitions. */
  #urlOf({ target, resource }: StoreRequest): string {
    if (resource !== undefined) return resource + target.slice(target.indexOf("?"));
    for (const { base, segments } of this.#siblings) {
      if (segments.has(/^\/([^/?]*)/.exec(target)?.[1] ?? "")) return base + target;
    }
    return this.#url + target;
  }

  #sendSigned(
    url: string,
    request: StoreRequest,
    keep: (body: KeptBody) => unknown,
  ): Promise<Response> {
    const { method, headers, body, kept, signal } = request;
    const { http } = this.#options;
    const signing = { url, keep, ...(kept && { kept }), hasRenewed: false };
    return this.#resilience.send(
      request,
      () =>
        this.#attempt(request, signing, (signedUrl, signedBody) =>
          http.send(signedUrl, {
            method,
            headers,
            body: signedBody ?? kept?.open() ?? (body && this.#outgoing(body, headers)),
            signal,
          })),
    );
  }

  /**
   * One attempt, and another with a new credential if the store rejects it, which is no failure of the
   * store. Each is signed anew, as a signature may hold for one request only (RFC 9449).
   */
  async #attempt(
    { method, headers, body, signal }: StoreRequest,
    signing: Signing,
    transport: (url: string, body: Authorization["body"]) => Promise<Response>,
  ): Promise<Response> {
    const { authorizer } = this.#options;
    const { url } = signing;
    for (;;) {
      const { kept } = signing;
      const authorizing = authorizer.authorize({ method, url, headers, body, kept, signal });
      const authorization = authorizing instanceof Promise ? await authorizing : authorizing;
      if (authorization.kept !== signing.kept && authorization.kept !== undefined) {
        signing.keep(signing.kept = authorization.kept);
      }
      for (const name in authorization.headers) headers.set(name, authorization.headers[name]!);
      const sent = await this.#resilience.attempt(() =>
        transport(authorization.url ?? url, authorization.body)
      );
      const response = this.#checked(method, sent);
      authorizer.observe?.(url, response.headers);
      const { status } = response;
      this.#noteLength(status, authorization, headers);
      if (status < 300) return response;
      if (!signing.hasRenewed && (status === 401 || status === 403)) {
        signing.hasRenewed = true;
        const bodyIsGone = body !== null && signing.kept === undefined;
        if (await this.#mayTryAgain(authorization, response, { headers, bodyIsGone })) continue;
      }
      return this.#maskFor(authorization).mask(response);
    }
  }

  /**
   * Uploads use HTTP/1.1, where length or chunks show the truncation of a body that passes natively.
   */
  #outgoing(body: Body, headers: Headers): RequestBody {
    const length = contentLength(headers);
    if (length === undefined) return body;
    if (!isChecked(body)) return body;
    return new SizedBody(length, () => wholeRequestBody(body, headers));
  }

  /** Checks a body whose truncation the runtime does not notice, if anything in it shows its end. */
  #checked(method: string, response: Response): Response {
    const { headers, status } = response;
    const { http2 } = this.#options.config;
    if (method === "HEAD" || isChunked(headers)) return response;
    if (contentLength(headers) !== undefined && !http2) return response;
    // Not sooner: a response whose bytes are all there makes a stream of them then.
    const { body } = response;
    if (body === null || isFromGzip(body)) return response;
    if (!new BodyCheck(headers).canTell) {
      const isRetrieved = method === "GET" && status === 200 &&
        OPAQUE.test(headers.get("content-type") ?? "");
      if (!isRetrieved || !http2) return response;
      void body.cancel().catch(() => {});
      const { name } = this.#options.config;
      throw new GatewayError(
        "NET-009",
        `Cannot pass on an answer of server "${name}": over HTTP/2, nothing in it marks the end of its ` +
          "body, so that a truncated body would go unnoticed",
        {
          server: name,
          troubleshooting: [
            "Set `Http2` of the server to `false`, or let the store send its answers with Content-Length",
          ],
        },
      );
    }
    return new Response(wholeAnswerBody(body, headers), { status, headers: headerList(headers) });
  }

  /** Once a length: stores answer 400 to faults of clients, too. */
  #noteLength(status: number, { headers: { authorization } }: Authorization, sent: Headers): void {
    const length = authorization?.length ?? 0;
    const { accepted, reported } = this.#lengths;
    if (status < 300) this.#lengths.accepted = Math.max(accepted, length);
    if (length <= accepted || length === reported || !mayBeTooLong(status, length)) return;
    this.#lengths.reported = length;
    this.#options.logger.warn(
      `Store answered ${status}: the credential of ${length} characters may exceed its limit for headers`,
      {
        server: this.#options.config.name,
        status,
        credential_length: length,
        request_id: sent.get("x-request-id"),
      },
    );
  }

  #maskFor({ headers }: Authorization): CredentialMask {
    const of = JSON.stringify(headers);
    if (this.#mask?.of !== of) this.#mask = { of, mask: new CredentialMask(headers) };
    return this.#mask.mask;
  }

  /** Discards a rejected credential, and returns whether another one may help. */
  async #mayTryAgain(
    authorization: Authorization,
    response: Response,
    { headers, bodyIsGone }: { readonly headers: Headers; readonly bodyIsGone: boolean },
  ): Promise<boolean> {
    const { authorizer, config, logger } = this.#options;
    if (!await authorizer.invalidate(authorization, response)) return false;
    await response.body?.cancel();
    const { status } = response;
    logger.info(`Store rejected the credential (${status}); discarding it`, {
      server: config.name,
      status,
      request_id: headers.get("x-request-id"),
    });
    if (!bodyIsGone) return true;
    throw new GatewayError(
      "TOK-002",
      `Cannot finish the request: server "${config.name}" rejected the credential (${status}), and ` +
        "a streamed body cannot be sent twice; the next request uses a new credential",
      { server: config.name },
    );
  }
}
