/**
 * Which URLs of a store answer to which URLs of the gateway.
 *
 * @module
 */
import { type UrlMount, UrlTranslation, type UrlTranslationOptions } from "./url_translation.ts";

/** What a store keeps beside its base URL instead of below it. */
export interface StoreSibling {
  /** The base URL that it lies below. */
  readonly base: string;
  /** The first path segments there, such as `operations`. */
  readonly segments: ReadonlySet<string>;
}

/** Base URLs of a store and of the gateway. */
export interface UrlMapOptions extends UrlTranslationOptions {
  /** The store's base URL, with its path. */
  readonly storeBase: string;
  /** The URL by which clients reach the store through the gateway: `{public}/dicom-web/{server}`. */
  readonly gatewayBase: string;
  /** Other base URLs by which the store calls itself, such as one of an inner network. */
  readonly storeAliases?: readonly string[];
  /** Other base URLs by which clients may call the gateway, such as the plugin's path. */
  readonly gatewayAliases?: readonly string[];
  /** What the store keeps beside its base URL; the gateway has it below its own. */
  readonly siblings?: readonly StoreSibling[];
}

/** Translates URLs in both directions. */
export interface UrlMap {
  /** The store's URLs to the gateway's, for answers. */
  readonly toGateway: UrlTranslation;
  /** The gateway's URLs to the store's, for requests. */
  readonly toStore: UrlTranslation;
}

/**
 * Makes the map of a store's URLs.
 *
 * @param options The base URLs.
 * @throws {TypeError} When a base is no URL.
 *
 * @example
 * ```ts
 * import { createUrlMap } from "./url_map.ts";
 * import assert from "node:assert/strict";
 *
 * const map = createUrlMap({
 *   storeBase: "https://store.example/v2",
 *   gatewayBase: "https://gateway.example/dicom-web/main",
 * });
 * const url = "https://gateway.example/dicom-web/main/studies/1.2";
 * assert.equal(map.toGateway.translate("https://store.example/v2/studies/1.2"), url);
 * assert.equal(map.toGateway.translate("/v2/studies/1.2"), url);
 * assert.equal(map.toGateway.translate("../bulkdata/1", "/studies/1.2/metadata"), "../bulkdata/1");
 * assert.equal(map.toStore.translate(url), "https://store.example/v2/studies/1.2");
 * ```
 */
export function createUrlMap(options: UrlMapOptions): UrlMap {
  const { storeBase, gatewayBase, storeAliases = [], gatewayAliases = [], siblings = [] } = options;
  const toGateway: UrlMount[] = [
    ...[storeBase, ...storeAliases].map((from) => ({ from, to: gatewayBase })),
    ...siblings.map(({ base, segments }) => ({ from: base, to: gatewayBase, segments })),
  ];
  const gatewayBases = [gatewayBase, ...gatewayAliases];
  const toStore: UrlMount[] = [
    ...siblings.flatMap(({ base, segments }) =>
      gatewayBases.map((from) => ({ from, to: base, segments }))
    ),
    ...gatewayBases.map((from) => ({ from, to: storeBase })),
  ];
  return {
    toGateway: new UrlTranslation(toGateway, options),
    toStore: new UrlTranslation(toStore, options),
  };
}

/** What Azure keeps at the service's base URL for all partitions. */
const AZURE_SERVICE_SEGMENTS: ReadonlySet<string> = new Set([
  "changefeed",
  "extendedquerytags",
  "operations",
]);

/**
 * What Azure's DICOM service keeps beside the base URL of a partition: the change feed, extended
 * query tags and operations stay at the service's base URL (Azure, "Data partitions").
 *
 * @param storeBase The store's base URL.
 * @returns The sibling for a base URL that ends in `/partitions/{name}`; none for any other.
 *
 * @example
 * ```ts
 * import { azureSiblings } from "./url_map.ts";
 * import assert from "node:assert/strict";
 *
 * const [sibling] = azureSiblings("https://w-d.dicom.azurehealthcareapis.com/v2/partitions/ward");
 * assert.equal(sibling?.base, "https://w-d.dicom.azurehealthcareapis.com/v2");
 * ```
 */
export function azureSiblings(storeBase: string): StoreSibling[] {
  const base = /^(.+)\/partitions\/[^/]+\/?$/.exec(storeBase)?.[1];
  return base === undefined ? [] : [{ base, segments: AZURE_SERVICE_SEGMENTS }];
}
