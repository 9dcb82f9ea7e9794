/**
 * A store's media types, and which of them a client's media range includes.
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

const ANY = "*/*";
const MULTIPART = "multipart/related";

/** Parses a list of media types, the best first, and combines those that differ in transfer syntax. */
export function offeredTypes(types: readonly string[]): readonly OfferedType[] {
  const parsed = types.map(parseMediaType).filter((type) => type !== undefined)
    .map(({ essence, parameters }) => ({
      essence,
      type: parameters.get("type")?.toLowerCase(),
      syntax: parameters.get("transfer-syntax"),
    }));
  const groups = Map.groupBy(parsed, ({ essence, type }) => `${essence};${type ?? ""}`);
  return [...groups.values()].map((group, place) => {
    const { essence, type } = group[0]!;
    const syntaxes = group.map(({ syntax }) => syntax).filter((syntax) => syntax !== undefined);
    return { essence, type, place, syntaxes: syntaxes.length > 0 ? new Set(syntaxes) : undefined };
  });
}

/** Whether a media range includes an offer, transfer syntax apart. */
export function covers(range: MediaType, offer: OfferedType): boolean {
  if (!matches(range.essence, offer.essence)) return false;
  const type = range.parameters.get("type")?.toLowerCase() ?? ANY;
  return type === ANY || offer.type === undefined || matches(type, offer.type);
}

/** Whether a media range includes the parts of a multipart offer. */
export function coversParts(
  { essence }: MediaType,
  { essence: whole, type }: OfferedType,
): boolean {
  return whole === MULTIPART && type !== undefined && matches(essence, type);
}

function matches(range: string, name: string): boolean {
  return range === name || (range.endsWith("/*") && name.startsWith(range.slice(0, -1)));
}

/** Whether a media range includes parts of every type. */
export function isForAnyPart({ essence, parameters }: MediaType): boolean {
  const type = parameters.get("type") ?? ANY;
  return essence === ANY || (matches(essence, MULTIPART) && type === ANY);
}

/** Whether a media range may include several media types. */
export function isWild({ essence, parameters }: MediaType): boolean {
  const type = parameters.get("type");
  return essence.endsWith("/*") || type?.endsWith("/*") ||
    (essence === MULTIPART && type === undefined);
}
