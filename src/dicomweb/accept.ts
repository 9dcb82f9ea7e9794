/**
 * Puts a request's `Accept` header so that its store understands it: only media types that the
 * store has, each written as RFC 9110 demands, the most wanted first. It never names a media type
 * that the client did not name, unless the client accepts any, or the gateway makes the client's
 * of the store's.
 *
 * @module
 */
import { formatMediaType, listItems, type MediaType, parseMediaType } from "./media_type.ts";
import type { Profile, Rules } from "./profile.ts";
import type { Transaction, TransactionName } from "./transaction.ts";

/** A rule that lists media types. */
type TypesRule = {
  [Id in keyof Rules]: Rules[Id] extends readonly string[] ? Id : never;
}[keyof Rules];

/** Which rule lists the media types that a store has for the answer to a transaction. */
const TYPES_FOR: Readonly<Partial<Record<TransactionName, TypesRule>>> = {
  "search-studies": "searchTypes",
  "search-series": "searchTypes",
  "search-instances": "searchTypes",
  "retrieve-study": "studyTypes",
  "retrieve-series": "studyTypes",
  "retrieve-instance": "instanceTypes",
  "retrieve-frames": "frameTypes",
  "retrieve-metadata": "metadataTypes",
  "retrieve-bulkdata": "bulkdataTypes",
  "retrieve-rendered": "renderedTypes",
  "store": "storeAnswerTypes",
  "store-or-replace": "storeAnswerTypes",
  "create-workitem": "worklistTypes",
  "search-workitems": "worklistTypes",
  "retrieve-workitem": "worklistTypes",
  "update-workitem": "worklistTypes",
  "change-workitem-state": "worklistTypes",
  "request-workitem-cancellation": "worklistTypes",
};

/** A media type that a store has. */
interface Offer {
  readonly essence: string;
  /** What the parts of a multipart type are. */
  readonly type: string | undefined;
  /** The values of `transfer-syntax` that it takes; `undefined`: any. */
  readonly syntaxes: ReadonlySet<string> | undefined;
  /** Its place among the store's media types. */
  readonly place: number;
}

/** A media range of the client's. */
interface Wanted {
  readonly range: MediaType;
  readonly quality: number;
}

/** What can stand in a header: a media type with its weight. */
interface Named {
  readonly text: string;
  readonly quality: number;
  /** Where the store's own list has it: the better, the earlier. */
  readonly place: number;
}

/** A value that stands without quotes and holds what only quotes allow. */
export const UNQUOTED_VALUE = /=[ \t]*(?=[^" \t])[^;,"]*[/=?@:<>()[\]{}\\]/;
const ANY = "*/*";
const MULTIPART = "multipart/related";
const STORED = "*";

/**
 * Puts an `Accept` header for a store.
 *
 * @param transaction What the request asks for.
 * @param accept The client's header, or nothing where it sent none.
 * @param profile How to deal with the store.
 * @returns The header to send; the client's own where no rule has anything against it.
 *
 * @example
 * ```ts
 * import { normaliseAccept } from "./accept.ts";
 * import { profiles } from "./profile.ts";
 * import { classify } from "./transaction.ts";
 * import assert from "node:assert/strict";
 *
 * const frames = classify("GET", "/studies/1.2/series/3.4/instances/5.6/frames/1");
 * assert.equal(
 *   normaliseAccept(frames, "image/webp, multipart/related; type=image/jp2", profiles.azure),
 *   'multipart/related; type="image/jp2"',
 * );
 * assert.equal(normaliseAccept(frames, "image/webp", profiles.azure), "image/webp");
 * ```
 */
export function normaliseAccept(
  transaction: Transaction,
  accept: string | null,
  profile: Profile,
): string | null {
  const { rules } = profile;
  const rule = TYPES_FOR[transaction.name];
  const offers = rule === undefined ? [] : offersOf(rules[rule]);
  const header = accept?.trim() ? accept : null;
  // A media type in the query says more than the header, which must stay as wide as it is.
  if (offers.length === 0 || /(?:^|&)accept=/.test(transaction.query)) return quoted(header, rules);
  if (header === null && !rules.nameDefaultType) return null;
  const wanted = wantedBy(header ?? ANY);
  const refused = wanted.filter(({ quality }) => quality === 0).map(({ range }) => range);
  const named = wanted.filter(({ quality }) => quality > 0)
    .sort((a, b) => b.quality - a.quality)
    .flatMap((each) => namesFor(each, offers, refused, rules));
  if (named.length === 0) return quoted(header, rules);
  return rules.oneAcceptedType ? best(named).text : written(named, rules);
}

/** Writes each value in quotes that needs them, and leaves all else as it is. */
function quoted(header: string | null, rules: Rules): string | null {
  if (header === null || !rules.quoteMediaTypes || !UNQUOTED_VALUE.test(header)) return header;
  return listItems(header).map((item) => {
    const type = parseMediaType(item);
    return type === undefined ? item.trim() : formatMediaType(type);
  }).join(", ");
}

function wantedBy(header: string): Wanted[] {
  return listItems(header).map(parseMediaType).filter((range) => range !== undefined)
    .map((range) => ({ range, quality: qualityOf(range) }));
}

/** The weight of a media range (RFC 9110, section 12.4.2); 0 where it is none. */
function qualityOf({ parameters }: MediaType): number {
  const quality = Number(parameters.get("q") ?? "1");
  return quality >= 0 ? Math.min(quality, 1) : 0;
}

/** What to name to a store for one of the client's media ranges. */
function namesFor(
  { range, quality }: Wanted,
  offers: readonly Offer[],
  refused: readonly MediaType[],
  rules: Rules,
): Named[] {
  if (range.essence === ANY) {
    if (!rules.nameDefaultType) return [{ text: ANY, quality, place: 0 }];
    const first = offers.find((offer) => !refused.some((each) => covers(each, offer)));
    return first === undefined ? [] : offered(range, first, quality, rules);
  }
  let fitting = offers.filter((offer) => covers(range, offer));
  if (fitting.length === 0 && rules.wrapSingleParts && range.essence === MULTIPART) {
    const type = range.parameters.get("type")?.toLowerCase();
    fitting = offers.filter(({ essence }) => type === undefined || essence === type);
  }
  if (isWild(range)) {
    fitting = fitting.filter((offer) => !refused.some((each) => covers(each, offer)));
  }
  return fitting.flatMap((offer) => offered(range, offer, quality, rules));
}

function covers(range: MediaType, offer: Offer): boolean {
  if (!matches(range.essence, offer.essence)) return false;
  const type = range.parameters.get("type")?.toLowerCase();
  return type === undefined || offer.type === undefined || matches(type, offer.type);
}

function matches(range: string, name: string): boolean {
  return range === name || (range.endsWith("/*") && name.startsWith(range.slice(0, -1)));
}

function isWild({ essence, parameters }: MediaType): boolean {
  const type = parameters.get("type");
  return essence.endsWith("/*") || type?.endsWith("/*") ||
    (essence === MULTIPART && type === undefined);
}

/** The offer with the client's parameters, unless the store cannot give that transfer syntax. */
function offered(range: MediaType, offer: Offer, quality: number, rules: Rules): Named[] {
  const { essence, type, syntaxes, place } = offer;
  const parameters = new Map<string, string>();
  if (type !== undefined) parameters.set("type", type);
  for (const [name, value] of range.parameters) {
    if (name !== "q" && name !== "type") parameters.set(name, value);
  }
  const syntax = parameters.get("transfer-syntax");
  if (syntax !== undefined && syntaxes?.has(syntax) === false) return [];
  if (syntax === undefined && wantsStored(range, offer, rules)) {
    parameters.set("transfer-syntax", STORED);
  }
  return [{ text: formatMediaType({ essence, parameters }), quality, place }];
}

function wantsStored(range: MediaType, offer: Offer, rules: Rules): boolean {
  if (offer.syntaxes?.has(STORED) === false) return false;
  switch (offer.type ?? offer.essence) {
    case "application/dicom":
      return rules.askStored;
    case "application/octet-stream":
      // What is not multipart says nowhere in which transfer syntax it is.
      return offer.essence === MULTIPART &&
        (rules.askStoredFrames || (rules.askStored && range.essence === ANY));
    default:
      return false;
  }
}

/** The most wanted; of several, what the store has first. Alone it needs no weight. */
function best(named: readonly Named[]): Named {
  return named.reduce((one, other) =>
    other.quality === one.quality && other.place < one.place ? other : one
  );
}

function written(named: readonly Named[], rules: Rules): string {
  const qualities = new Map<string, number>();
  for (const { text, quality } of named) {
    if (!qualities.has(text)) qualities.set(text, quality);
  }
  const items = [...qualities];
  const weighsAll = rules.weighEveryType && items.some(([, quality]) => quality < 1);
  return items.map(([text, quality]) =>
    quality < 1 || weighsAll ? `${text}; q=${weight(quality)}` : text
  ).join(", ");
}

/** Three digits are all that RFC 9110 allows; 0 would mean the opposite. */
function weight(quality: number): number {
  return Math.max(0.001, Math.round(quality * 1_000) / 1_000);
}

const parsed = new WeakMap<readonly string[], readonly Offer[]>();

/** The media types of a rule, taken apart once; those that differ in transfer syntax are one. */
function offersOf(types: readonly string[]): readonly Offer[] {
  const known = parsed.get(types);
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
  parsed.set(types, result);
  return result;
}
