/**
 * Translates URLs that lie below one base URL into those of another: what the store says about
 * itself into the gateway's URLs, and the other way. A URL that lies elsewhere stays as it is.
 *
 * @module
 */
import { withoutTrailing } from "../without_trailing.ts";

/** A base URL and the one that takes its place. */
export interface UrlMount {
  /** What URLs are translated from. A trailing slash makes no difference. */
  readonly from: string;
  /** What they are translated to. */
  readonly to: string;
  /** The first path segments below `from` that this is about; all where it is missing. */
  readonly segments?: ReadonlySet<string>;
}

/** How URLs are translated. */
export interface UrlTranslationOptions {
  /** Make every relative reference absolute, also those that need no help. */
  readonly resolveRelative?: boolean;
  /** Told of each absolute or rooted URL that lies neither below a base nor below its replacement. */
  readonly onOutside?: () => void;
}

/** A prefix that can be exchanged where nothing but plain characters follows. */
export interface UrlPrefix {
  readonly from: string;
  readonly fromBytes: Uint8Array;
  readonly to: string;
  readonly toBytes: Uint8Array<ArrayBuffer>;
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
/** RFC 3986 without percent-encoding; dots count as plain only where they make no dot segment. */
const PLAIN = /^[A-Za-z0-9\-._~!$&()*+,;=:@/?#]*$/;

const HASH = 0x23;
const DOT = 0x2e;
const SLASH = 0x2f;
const QUESTION_MARK = 0x3f;
const PLAIN_BYTES = Uint8Array.from(
  { length: 256 },
  (_, byte) => byte < 128 && PLAIN.test(String.fromCharCode(byte)) ? 1 : 0,
);

/** A translation from some base URLs to others. */
export class UrlTranslation {
  readonly #mounts: readonly ParsedMount[];
  /** What rooted and relative references are read against. */
  readonly #home: ParsedMount;
  readonly #options: UrlTranslationOptions;
  /** Whether what begins with the first base URL is surely below it, and not translated already. */
  readonly #isSimple: boolean;
  #madePrefixes: readonly UrlPrefix[] | undefined;

  /**
   * Makes a translation.
   *
   * @param mounts The base URLs; the first that fits counts, and rooted and relative references
   * are read against the first that is about all segments.
   * @param options How relative references are treated, and who is told of what lies elsewhere.
   * @throws {TypeError} When none is about all segments, or one is no URL.
   */
  constructor(mounts: readonly UrlMount[], options: UrlTranslationOptions = {}) {
    this.#mounts = mounts.map(parseMount);
    const home = this.#mounts.find(({ segments }) => segments === undefined);
    if (home === undefined) throw new TypeError("Cannot translate URLs without a base URL");
    this.#home = home;
    this.#options = options;
    const { from, fromPath, segments } = this.#mounts[0]!;
    this.#isSimple = segments === undefined &&
      !this.#mounts.some(({ toUrl, toPath }) =>
        isSameHost(toUrl, from) && isBelow(toPath, fromPath)
      );
  }

  /**
   * Translates a URL, absolute (also with another scheme or the default port, also `ws`), rooted
   * (`/v2/studies`) or relative (`../bulkdata/1`).
   *
   * A relative reference stays as it is when, resolved against the resource's own URL on either
   * side (RFC 3986, section 5), it leads to the same place: it leads back through the gateway by
   * itself, and clients that read it against the study or the series (OHIF's
   * `relativeResolution`) go on to do so. One that climbs above the base is made absolute.
   *
   * @param url The URL.
   * @param resource Path below the base URL, and query, of the resource that the URL stands in;
   * without it relative references stay as they are.
   * @returns The URL on the other side; unchanged where it lies elsewhere.
   */
  translate(url: string, resource?: string): string {
    if (SCHEME.test(url)) return WEB_SCHEME.test(url) ? this.#translateAbsolute(url) : url;
    const home = this.#home;
    if (url.startsWith("/")) return this.#translateAbsolute(url, home.from);
    if (resource === undefined || url === "" || url.startsWith("#")) return url;
    const here = parse(url, home.from.origin + home.fromPath + resource);
    const mount = here && this.#mountOf(here);
    if (here === undefined || mount === undefined) return url;
    const translated = mount.to + restOf(here, mount.fromPath);
    if (this.#options.resolveRelative) return translated;
    return parse(url, home.to + resource)?.href === parse(translated)?.href ? url : translated;
  }

  /**
   * Finds the prefix by whose exchange a URL in bytes is translated, just as {@linkcode translate}
   * would, with no need to parse it.
   *
   * @param bytes What the URL stands in.
   * @returns The prefix, or nothing where the URL has to be parsed.
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

  /** The common spellings of the first base URL, and of what it is translated to. */
  get #prefixes(): readonly UrlPrefix[] {
    return this.#madePrefixes ??= this.#isSimple ? this.#makePrefixes() : [];
  }

  #makePrefixes(): UrlPrefix[] {
    const { from, fromPath, to } = this.#mounts[0]!;
    const otherScheme = from.protocol === "https:" ? "http:" : "https:";
    const spellings = [from.origin + fromPath, `${otherScheme}//${from.host}${fromPath}`, to];
    if (fromPath !== "") spellings.push(fromPath);
    const encoder = new TextEncoder();
    const toBytes = encoder.encode(to);
    return spellings.map((from) => ({ from, fromBytes: encoder.encode(from), to, toBytes }));
  }

  #translateAbsolute(url: string, base?: URL): string {
    const prefix = this.#prefixes.find(({ from }) => url.startsWith(from));
    if (prefix !== undefined) {
      const rest = url.slice(prefix.from.length);
      const isPlain = /^(?:[/?#]|$)/.test(rest) && !rest.includes("/.") && PLAIN.test(rest);
      if (isPlain) return prefix.to + rest;
    }
    const parsed = parse(url, base);
    if (parsed === undefined || parsed.username !== "" || parsed.password !== "") return url;
    const isThereAlready = this.#mounts.some(({ toUrl, toPath }) =>
      parsed.host === toUrl.host && isBelow(parsed.pathname, toPath)
    );
    if (isThereAlready) return url;
    const mount = this.#mountOf(parsed);
    if (mount === undefined) {
      this.#options.onOutside?.();
      return url;
    }
    const isWebSocket = parsed.protocol.startsWith("ws");
    const target = isWebSocket ? mount.to.replace(/^http/, "ws") : mount.to;
    return target + restOf(parsed, mount.fromPath);
  }

  #mountOf(url: URL): ParsedMount | undefined {
    return this.#mounts.find(({ from, fromPath, segments }) => {
      if (!isSameHost(url, from) || !isBelow(url.pathname, fromPath)) return false;
      return segments === undefined ||
        segments.has(url.pathname.slice(fromPath.length).split("/")[1] ?? "");
    });
  }
}

/** Tells whether what follows a prefix is plain, so that it cannot lead out of the base URL. */
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

function parse(url: string, base?: string | URL): URL | undefined {
  return URL.parse(url, base) ?? undefined;
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
 * Tells whether two URLs name the same server. What is behind a proxy often knows neither the
 * scheme nor the port it is reached by, and so leaves the port out.
 */
function isSameHost(url: URL, base: URL): boolean {
  return url.hostname === base.hostname && (url.port === "" || portOf(url) === portOf(base));
}

function portOf({ port, protocol }: URL): string {
  return port || (protocol === "https:" || protocol === "wss:" ? "443" : "80");
}
