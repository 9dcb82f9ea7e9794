/**
 * Translates URLs below one base URL into URLs below another. Other URLs are unchanged.
 */
import { DOT, HASH, QUESTION_MARK, SLASH } from "../ascii.ts";
import type { Bytes } from "../bytes.ts";
import type { ResourceFinder } from "./internal_url.ts";
import { withoutTrailing } from "../without_trailing.ts";
import { encodeXmlText } from "./xml_text.ts";

/** A base URL and its replacement. */
export interface UrlMount {
  /** With or without a trailing slash. */
  readonly from: string;
  readonly to: string;
  /** The first path segments below `from` that are translated; default: all. */
  readonly segments?: ReadonlySet<string>;
}

/** A prefix that can be replaced if only plain characters follow. */
export interface UrlPrefix {
  readonly from: string;
  readonly fromBytes: Uint8Array;
  readonly to: string;
  readonly toBytes: Bytes;
  readonly toXmlBytes: Bytes;
}

interface ParsedMount {
  readonly from: URL;
  readonly fromPath: string;
  readonly to: string;
  readonly toUrl: URL;
  readonly toPath: string;
  readonly segments: ReadonlySet<string> | undefined;
}

const SCHEME = /^[A-Za-z][A-Za-z0-9+.-]*:/;
const WEB_SCHEME = /^(?:http|ws)s?:/i;
/** RFC 3986 without percent-encoding; dots that form no dot segment are plain. */
const PLAIN = /^[A-Za-z0-9\-._~!$&()*+,;=:@/?#]*$/;

const PLAIN_BYTES = Uint8Array.from(
  { length: 256 },
  (_, byte) => byte < 128 && PLAIN.test(String.fromCharCode(byte)) ? 1 : 0,
);

export class UrlTranslation {
  readonly #mounts: readonly ParsedMount[];
  /** Rooted and relative references are resolved against it. */
  readonly #home: ParsedMount;
  readonly #findResource: ResourceFinder | undefined;
  /** Whether everything below the first base URLs can be translated by replacing their prefixes. */
  readonly #isSimple: boolean;
  #madePrefixes: readonly UrlPrefix[] | undefined;

  /**
   * @param mounts The first that matches counts. Rooted and relative references are resolved
   * against the first without `segments`.
   * @param findResource Finds resources below the first without `segments` in other URLs.
   * @throws {TypeError} If all have `segments`, or one is no URL.
   */
  constructor(mounts: readonly UrlMount[], findResource?: ResourceFinder) {
    this.#mounts = mounts.map(parseMount);
    const home = this.#mounts.find(({ segments }) => segments === undefined);
    if (home === undefined) throw new TypeError("Cannot translate URLs without a base URL");
    this.#home = home;
    this.#findResource = findResource;
    this.#isSimple = this.#wholeMounts().length > 0 &&
      !this.#wholeMounts().some(({ from, fromPath }) =>
        this.#mounts.some(({ toUrl, toPath }) =>
          isSameHost(toUrl, from) && isBelow(toPath, fromPath)
        )
      );
  }

  /**
   * Translates a URL: absolute (in any web scheme, also `ws`, with or without the default port),
   * rooted (`/v2/studies`) or relative (`../bulkdata/1`).
   *
   * A relative reference is unchanged if it leads to the same place from the resource's URL on
   * either side (RFC 3986, section 5): clients that resolve it against the study or the series
   * (OHIF's `relativeResolution`) continue to do so. One that leaves the base URL is made absolute.
   *
   * @param resource Path below the base URL, and query, of the resource that contains the URL;
   * without it relative references are unchanged.
   */
  translate(url: string, resource?: string): string {
    if (SCHEME.test(url)) {
      return WEB_SCHEME.test(url) ? this.#translateAbsolute(url, resource) : url;
    }
    const home = this.#home;
    if (url.startsWith("/")) return this.#translateAbsolute(url, resource, home.from);
    if (resource === undefined || url === "" || url.startsWith("#")) return url;
    const here = URL.parse(url, home.from.origin + home.fromPath + resource);
    const mount = here && this.#mountOf(here);
    if (!here || !mount) return url;
    const translated = mount.to + restOf(here, mount.fromPath);
    return URL.parse(url, home.to + resource)?.href === URL.parse(translated)?.href
      ? url
      : translated;
  }

  /**
   * Finds the prefix by whose replacement a URL in bytes is translated, as {@linkcode translate}
   * would, without parsing it; undefined if it must be parsed.
   */
  findPrefix(bytes: Uint8Array, start: number, end: number): UrlPrefix | undefined {
    for (const prefix of this.#prefixes) {
      const { fromBytes } = prefix;
      let length = 0;
      while (length < fromBytes.length && bytes[start + length] === fromBytes[length]) length++;
      if (length < fromBytes.length) continue;
      return isPlainRest(bytes, start + length, end) ? prefix : undefined;
    }
    return undefined;
  }

  /** The first mounts, those before one with `segments`. */
  #wholeMounts(): readonly ParsedMount[] {
    const end = this.#mounts.findIndex(({ segments }) => segments !== undefined);
    return end < 0 ? this.#mounts : this.#mounts.slice(0, end);
  }

  /** The common spellings of the first base URLs, and their replacements. */
  get #prefixes(): readonly UrlPrefix[] {
    return this.#madePrefixes ??= this.#isSimple ? this.#makePrefixes() : [];
  }

  #makePrefixes(): UrlPrefix[] {
    const encoder = new TextEncoder();
    return this.#wholeMounts().flatMap((mount) => {
      const { from, fromPath, to } = mount;
      const otherScheme = from.protocol === "https:" ? "http:" : "https:";
      const spellings = [from.origin + fromPath, `${otherScheme}//${from.host}${fromPath}`, to];
      if (fromPath !== "" && mount === this.#home) spellings.push(fromPath);
      const written = { to, toBytes: encoder.encode(to), toXmlBytes: encodeXmlText(to) };
      return spellings.map((from) => ({ from, fromBytes: encoder.encode(from), ...written }));
    });
  }

  #translateAbsolute(url: string, resource: string | undefined, base?: URL): string {
    const prefix = this.#prefixes.find(({ from }) => url.startsWith(from));
    if (prefix !== undefined) {
      const rest = url.slice(prefix.from.length);
      const isPlain = /^(?:[/?#]|$)/.test(rest) && !rest.includes("/.") && PLAIN.test(rest);
      if (isPlain) return prefix.to + rest;
    }
    const parsed = URL.parse(url, base);
    if (parsed === null || parsed.username !== "" || parsed.password !== "") return url;
    const isThereAlready = this.#mounts.some(({ toUrl, toPath }) =>
      parsed.host === toUrl.host && isBelow(parsed.pathname, toPath)
    );
    if (isThereAlready) return url;
    const mount = this.#mountOf(parsed);
    if (mount === undefined) return this.#translateUnknown(parsed, resource) ?? url;
    const isWebSocket = parsed.protocol.startsWith("ws");
    const target = isWebSocket ? mount.to.replace(/^http/, "ws") : mount.to;
    return target + restOf(parsed, mount.fromPath);
  }

  #translateUnknown(url: URL, resource: string | undefined): string | undefined {
    const { to, toUrl } = this.#home;
    // The gateway's own host: this is another of its servers.
    if (resource === undefined || url.host === toUrl.host) return undefined;
    const path = this.#findResource?.(url, resource);
    return path && to + path;
  }

  #mountOf(url: URL): ParsedMount | undefined {
    return this.#mounts.find(({ from, fromPath, segments }) => {
      if (!isSameHost(url, from) || !isBelow(url.pathname, fromPath)) return false;
      return segments === undefined ||
        segments.has(url.pathname.slice(fromPath.length).split("/")[1] ?? "");
    });
  }
}

/** Whether the rest of a URL is plain, so that it cannot lead out of the base URL. */
function isPlainRest(bytes: Uint8Array, start: number, end: number): boolean {
  if (start === end) return true;
  const first = bytes[start];
  if (first !== SLASH && first !== QUESTION_MARK && first !== HASH) return false;
  for (let at = start; at < end; at++) {
    const byte = bytes[at]!;
    if (PLAIN_BYTES[byte] !== 1 || byte === DOT && bytes[at - 1] === SLASH) return false;
  }
  return true;
}

function parseMount({ from, to, segments }: UrlMount): ParsedMount {
  const [fromUrl, toUrl] = [new URL(from), new URL(to)];
  const [fromPath, toPath] = [pathOf(fromUrl), pathOf(toUrl)];
  return { from: fromUrl, fromPath, to: toUrl.origin + toPath, toUrl, toPath, segments };
}

function pathOf(url: URL): string {
  return withoutTrailing(url.pathname, "/");
}

function restOf(url: URL, basePath: string): string {
  return url.pathname.slice(basePath.length) + url.search + url.hash;
}

function isBelow(path: string, basePath: string): boolean {
  return path.startsWith(basePath) &&
    (path.length === basePath.length || path[basePath.length] === "/");
}

/**
 * Whether two URLs name the same server. Servers behind a proxy often do not know the scheme and
 * port that clients use, and omit the port.
 */
function isSameHost(url: URL, base: URL): boolean {
  return url.hostname === base.hostname && (url.port === "" || portOf(url) === portOf(base));
}

function portOf({ port, protocol }: URL): string {
  return port || (protocol === "https:" || protocol === "wss:" ? "443" : "80");
}
