/**
 * Maps URLs of a store to URLs of the gateway and back.
 */
import { internalResource } from "./internal_url.ts";
import { UrlTranslation } from "./url_translation.ts";

/** Resources of a store outside its base URL; the gateway has them below its own. */
export interface StoreSibling {
  /** The base URL that they are below. */
  readonly base: string;
  /** First path segments, such as `operations`. */
  readonly segments: ReadonlySet<string>;
}

export interface UrlMapOptions {
  readonly storeBase: string;
  /** The URL by which clients reach the store: `{public}/dicom-web/{server}`. */
  readonly gatewayBase: string;
  readonly siblings?: readonly StoreSibling[];
  /** URL of the store's WADO-URI service; the gateway has it at `wado`. */
  readonly wadoUri?: string | undefined;
  /** Further base URLs of the store, as it calls itself in responses. */
  readonly storeAliases?: readonly string[];
  /**
   * Which hosts mean something in one network only; with it, resources of the store are recognized
   * at these hosts, too.
   */
  readonly isInternalHost?: ((hostname: string) => boolean) | undefined;
}

export interface UrlMap {
  /** For responses. */
  readonly toGateway: UrlTranslation;
  /** For requests. */
  readonly toStore: UrlTranslation;
}

/** @throws {TypeError} If a base is no URL. */
export function createUrlMap(options: UrlMapOptions): UrlMap {
  const { storeBase, gatewayBase, siblings = [], storeAliases = [], wadoUri } = options;
  const { isInternalHost } = options;
  const bases = [storeBase, ...storeAliases];
  return {
    toGateway: new UrlTranslation(
      [
        ...bases.map((from) => ({ from, to: gatewayBase })),
        ...siblings.map(({ base, segments }) => ({ from: base, to: gatewayBase, segments })),
        ...(wadoUri === undefined ? [] : [{ from: wadoUri, to: `${gatewayBase}/wado` }]),
      ],
      isInternalHost && internalResource(storeBase, isInternalHost),
    ),
    toStore: new UrlTranslation([
      ...siblings.map(({ base, segments }) => ({ from: gatewayBase, to: base, segments })),
      { from: gatewayBase, to: storeBase },
    ]),
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
