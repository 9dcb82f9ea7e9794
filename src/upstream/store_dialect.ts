/**
 * Translates between the client and a store: `Accept` and `Content-Type` into what the store supports, and
 * the URLs of each into those of the other. Bodies without URLs pass unchanged.
 */
import { isInternal } from "../config/values/host_names.ts";
import type { Bytes, ByteStream } from "../dicomweb/bytes.ts";
import { BoundedCache } from "../dicomweb/bounded_cache.ts";
import { normaliseAccept, normaliseContentType } from "../dicomweb/media_type/accept.ts";
import type { RewritableMessage } from "../dicomweb/urls/byte_rewriter.ts";
import { bodyUrlRewrite, STALE_HEADERS } from "../dicomweb/urls/body_url_rewriter.ts";
import type { Profile } from "../dicomweb/profile/profile.ts";
import type { Transaction } from "../dicomweb/transaction/transaction.ts";
import { rewriteHeaders } from "../dicomweb/urls/url_headers.ts";
import { azureSiblings, createUrlMap, type UrlMap } from "../dicomweb/urls/url_map.ts";
import { readingFailure, wholeRequestBody } from "../dicomweb/completeness/whole_body.ts";
import { describeChangedBody } from "./changed_body.ts";

type Body = ByteStream | null;

/** The request that a response belongs to. */
export interface StoreQuestion {
  readonly method: string;
  readonly transaction: Transaction;
  /** Path below the base URL, and query. */
  readonly target: string;
}

/** Where else a store has its resources. */
export interface FurtherUrls {
  /** Further base URLs of the store in its responses. */
  readonly aliases?: readonly string[];
  /** URL of its WADO-URI service, if that is not below the base. */
  readonly wadoUri?: string | undefined;
}

export class StoreDialect {
  readonly #profile: Profile;
  readonly #storeBase: string;
  readonly #further: FurtherUrls;
  /** Clients use few addresses; invented ones must not fill the memory. */
  readonly #maps = new BoundedCache<UrlMap>({ maxEntries: 100, maxKeyLength: 300 });

  constructor(storeBase: string, profile: Profile, further: FurtherUrls = {}) {
    this.#storeBase = storeBase;
    this.#profile = profile;
    this.#further = further;
  }

  /**
   * Translates a client's request.
   *
   * @param target Path below the base URL, and query.
   * @param message Its headers, which are changed, and its body.
   * @param gatewayBase The URL by which the client reaches this store, if known.
   */
  toStore(
    transaction: Transaction,
    target: string,
    { headers, body }: { readonly headers: Headers; readonly body: Body },
    gatewayBase: string | undefined,
  ): Body {
    const accept = headers.get("accept");
    const wanted = normaliseAccept(transaction, accept, this.#profile);
    if (wanted !== null && wanted !== accept) headers.set("accept", wanted);
    const type = headers.get("content-type");
    const properType = normaliseContentType(type, this.#profile);
    if (properType !== null && properType !== type) headers.set("content-type", properType);
    const map = this.#mapFor(gatewayBase);
    if (map === undefined) return body;
    rewriteHeaders(map, "toStore", headers, target);
    if (this.#profile.rules.tellPublicUrl) tellPublicUrl(headers, gatewayBase!, this.#storeBase);
    if (body === null) return null;
    // Stored content belongs to the client: only messages about resources contain their URLs.
    if (transaction.class === "store") return body;
    const rewrite = bodyUrlRewrite(map.toStore, {
      headers,
      transactionClass: transaction.class,
      resource: target,
    });
    if (rewrite === undefined) return body;
    const whole = wholeRequestBody(body, headers);
    for (const name of STALE_HEADERS) headers.delete(name);
    return whole.pipeThrough(rewrite.stream);
  }

  /**
   * Translates a store's response.
   *
   * @param headers The headers for the client, which are changed.
   * @returns The body for the client; undefined if the store's passes unchanged.
   */
  toClient(
    { method, transaction, target }: StoreQuestion,
    response: RewritableMessage & Pick<Response, "status">,
    headers: Headers,
    gatewayBase: string | undefined,
  ): Promise<Bytes | ByteStream> | undefined {
    const map = this.#mapFor(gatewayBase);
    if (map === undefined) return undefined;
    rewriteHeaders(map, "toGateway", headers, target);
    const rewrite = bodyUrlRewrite(map.toGateway, {
      headers,
      status: response.status,
      transactionClass: transaction.class,
      resource: target,
      partHeaders: this.#profile.rules.rewritePartHeaders,
    });
    if (rewrite === undefined) return undefined;
    // A response to HEAD describes the body of GET (RFC 9110, section 9.3.2).
    describeChangedBody(headers);
    return method === "HEAD" ? undefined : beginningOf(rewrite.body(response));
  }

  /** How URLs in the store's response to `target` are translated; undefined if they are not. */
  urlTranslation(
    target: string,
    gatewayBase: string | undefined,
  ): ((url: string) => string) | undefined {
    const map = this.#mapFor(gatewayBase);
    return map && ((url) => map.toGateway.translate(url, target));
  }

  #mapFor(gatewayBase: string | undefined): UrlMap | undefined {
    const { name, rules } = this.#profile;
    if (gatewayBase === undefined || !rules.rewriteUrls) return undefined;
    return this.#maps.get(gatewayBase, () =>
      createUrlMap({
        storeBase: this.#storeBase,
        gatewayBase,
        siblings: name === "azure" ? azureSiblings(this.#storeBase) : [],
        storeAliases: this.#further.aliases ?? [],
        wadoUri: this.#further.wadoUri,
        isInternalHost: rules.rewriteInternalUrls ? isInternal : undefined,
      }));
  }
}

async function beginningOf(body: Promise<Bytes | ByteStream>): Promise<Bytes | ByteStream> {
  try {
    return await body;
  } catch (cause) {
    throw readingFailure(cause);
  }
}

function tellPublicUrl(headers: Headers, gatewayBase: string, storeBase: string): void {
  const { host, pathname, protocol } = new URL(gatewayBase);
  // The store keeps its own scheme: it would return `https` URLs of a gateway without TLS, which lead
  // nowhere and are not recognized as the store's any more.
  if (protocol !== new URL(storeBase).protocol) return;
  headers.set("x-forwarded-host", host);
  headers.set("x-forwarded-prefix", pathname);
}
