/**
 * Maps URLs of a store to URLs of the gateway and back.
 *
 * @module
 */
import { type UrlMount, UrlTranslation, type UrlTranslationOptions } from "./url_translation.ts";

/** Resources of a store outside its base URL; the gateway has them below its own. */
export interface StoreSibling {
  /** The base URL that they are below. */
  readonly base: string;
  /** First path segments, such as `operations`. */
  readonly segments: ReadonlySet<string>;
}

export interface UrlMapOptions extends UrlTranslationOptions {
  readonly storeBase: string;
  /** The URL by which clients reach the store: `{public}/dicom-web/{server}`. */
  readonly gatewayBase: string;
  /** Other base URLs by which the store calls itself, such as one of an inner network. */
  readonly storeAliases?: readonly string[];
  /** Other base URLs by which clients may call the gateway, such as the plugin's path. */
  readonly gatewayAliases?: readonly string[];
  readonly siblings?: readonly StoreSibling[];
}

export interface UrlMap {
  /** For responses. */
  readonly toGateway: UrlTranslation;
  /** For requests. */
  readonly toStore: UrlTranslation;
}

/** @throws {TypeError} If a base is no URL. */
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

/** Resources that Azure has once for all partitions. */
const AZURE_SERVICE_SEGMENTS: ReadonlySet<string> = new Set([
  "changefeed",
  "extendedquerytags",
  "operations",
]);

/**
 * Resources beside the base URL of an Azure partition, `…/partitions/{name}`: change feed, extended
 * query tags and operations are below the service's base URL (Azure, "Data partitions").
 */
export function azureSiblings(storeBase: string): StoreSibling[] {
  const base = /^(.+)\/partitions\/[^/]+\/?$/.exec(storeBase)?.[1];
  return base === undefined ? [] : [{ base, segments: AZURE_SERVICE_SEGMENTS }];
}
