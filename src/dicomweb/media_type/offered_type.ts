/**
 * The media types that a store has, and which of them a client's media range takes in.
 *
 * @module
 */
import { type MediaType, parseMediaType } from "./media_type.ts";

/** A media type that a store has. */
export interface OfferedType {
  readonly essence: string;
  /** What the parts of a multipart type are. */
  readonly type: string | undefined;
  /** The values of `transfer-syntax` that it takes; `undefined`: any. */
  readonly syntaxes: ReadonlySet<string> | undefined;
  /** Its place among the store's media types. */
  readonly place: number;
}

const MULTIPART = "multipart/related";
const offered = new WeakMap<readonly string[], readonly OfferedType[]>();

/**
 * Takes a store's media types apart, each list once. Those that differ in transfer syntax only are
 * one.
 *
 * @param types The media types, the best first, such as a rule has them.
 */
export function offeredTypes(types: readonly string[]): readonly OfferedType[] {
  const known = offered.get(types);
  if (known !== undefined) return known;
  const offers = new Map<string, { essence: string; type: string | undefined; all: string[] }>();
  for (const text of types) {
    const mediaType = parseMediaType(text);
    if (mediaType === undefined) continue;
    const { essence, parameters } = mediaType;
    const type = parameters.get("type")?.toLowerCase();
    const key = `${essence};${type ?? ""}`;
    const syntax = parameters.get("transfer-syntax");
    const offer = offers.get(key) ?? { essence, type, all: [] };
    if (syntax !== undefined) offer.all.push(syntax);
    offers.set(key, offer);
  }
  const result = [...offers.values()].map(({ essence, type, all }, place) => ({
    essence,
    type,
    place,
    syntaxes: all.length === 0 ? undefined : new Set(all),
  }));
  offered.set(types, result);
  return result;
}

/** Tells whether a media range takes in what a store offers, transfer syntax apart. */
export function covers(range: MediaType, offer: OfferedType): boolean {
  if (!matches(range.essence, offer.essence)) return false;
  const type = range.parameters.get("type")?.toLowerCase();
  return type === undefined || offer.type === undefined || matches(type, offer.type);
}

function matches(range: string, name: string): boolean {
  return range === name || (range.endsWith("/*") && name.startsWith(range.slice(0, -1)));
}

/** Tells whether a media range may take in more than one media type. */
export function isWild({ essence, parameters }: MediaType): boolean {
  const type = parameters.get("type");
  return essence.endsWith("/*") || type?.endsWith("/*") ||
    (essence === MULTIPART && type === undefined);
}
