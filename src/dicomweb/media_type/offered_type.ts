/**
 * A store's media types, and which of them a client's media range includes.
 *
 * @module
 */
import { type MediaType, parseMediaType } from "./media_type.ts";

export interface OfferedType {
  readonly essence: string;
  /** Type of the parts of a multipart type. */
  readonly type: string | undefined;
  /** Supported values of `transfer-syntax`; undefined: any. */
  readonly syntaxes: ReadonlySet<string> | undefined;
  /** Position in the store's list. */
  readonly place: number;
}

const MULTIPART = "multipart/related";
const offered = new WeakMap<readonly string[], readonly OfferedType[]>();

/** Parses a rule's list of media types, the best first, once; combines their transfer syntaxes. */
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

/** Whether a media range includes an offer, transfer syntax apart. */
export function covers(range: MediaType, offer: OfferedType): boolean {
  if (!matches(range.essence, offer.essence)) return false;
  const type = range.parameters.get("type")?.toLowerCase();
  return type === undefined || offer.type === undefined || matches(type, offer.type);
}

function matches(range: string, name: string): boolean {
  return range === name || (range.endsWith("/*") && name.startsWith(range.slice(0, -1)));
}

/** Whether a media range may include several media types. */
export function isWild({ essence, parameters }: MediaType): boolean {
  const type = parameters.get("type");
  return essence.endsWith("/*") || type?.endsWith("/*") ||
    (essence === MULTIPART && type === undefined);
}
