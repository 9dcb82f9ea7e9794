/**
 * Puts a request's `Accept` header so that its store understands it: only media types that the
 * store has, each written as RFC 9110 demands, the most wanted first. It never names a media type
 * that the client did not name, unless the client accepts any, or the gateway makes the client's
 * of the store's.
 *
 * @module
 */
import { acceptInQuery } from "./acceptable.ts";
import { BoundedCache, type CacheBounds } from "../bounded_cache.ts";
import { acceptItems, formatMediaType, type MediaType, parseMediaType } from "./media_type.ts";
import { covers, isWild, type OfferedType, offeredTypes } from "./offered_type.ts";
import type { Profile, Rules } from "../profile/profile.ts";
import type { Transaction } from "../transaction/transaction.ts";
import type { TransactionName } from "../transaction/transaction_catalogue.ts";

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

/** A media range of the client's. */
interface Wanted {
  readonly range: MediaType;
  readonly quality: number;
}

/** Which rule lists what the store has for the answer, and all rules. */
interface Policy {
  readonly rule: TypesRule;
  readonly rules: Rules;
  /** Whether what the store gives as one part reaches the client as multipart. */
  readonly wraps: boolean;
}

/** What can stand in a header: a media type with its weight. */
interface Named {
  readonly text: string;
  readonly quality: number;
  /** Where the store's own list has it: the better, the earlier. */
  readonly place: number;
}

/** A value that stands without quotes and holds what only quotes allow. */
export const UNQUOTED_VALUE = /=[ \t]*(?=[^" \t])[^;,"=]*[/=?@:<>()[\]{}\\]/;
const ANY = "*/*";
const MULTIPART = "multipart/related";
const STORED = "*";

const remembered = new WeakMap<Rules, BoundedCache<string | null>>();
const BOUNDS: CacheBounds = { maxEntries: 256, maxKeyLength: 1024 };

/**
 * Puts an `Accept` header for a store.
 *
 * @param accept The client's header, or nothing where it sent none.
 * @param profile How to deal with the store.
 * @returns The header to send; the client's own where no rule has anything against it.
 *
 * @example
 * ```ts
 * import { normaliseAccept } from "./accept.ts";
 * import { profiles } from "../profile/profile.ts";
 * import { classify } from "../transaction/transaction.ts";
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
  { rules }: Profile,
): string | null {
  const types = TYPES_FOR[transaction.name];
  // The gateway asks for each instance then, and makes the answer of them.
  const isByInstance = types === "studyTypes" && rules.retrieveByInstance;
  const inQuery = acceptInQuery(transaction.query);
  // A media type in the query says more than the header, which must stay as wide as it is.
  const listed = inQuery === null || isByInstance ? types : undefined;
  const wanted = isByInstance ? inQuery ?? accept : accept;
  const header = wanted?.trim() ? wanted : null;
  const rule = isByInstance ? "instanceTypes" : listed;
  const wraps = rules.wrapSingleParts || isByInstance;
  return answersFor(rules).get(
    `${rule ?? ""} ${wraps} ${header ?? ""}`,
    () => rule === undefined ? quoted(header, rules) : negotiated(header, { rule, rules, wraps }),
  );
}

/** Clients send the same few headers again and again. */
function answersFor(rules: Rules): BoundedCache<string | null> {
  let answers = remembered.get(rules);
  if (answers === undefined) remembered.set(rules, answers = new BoundedCache(BOUNDS));
  return answers;
}

function negotiated(header: string | null, policy: Policy): string | null {
  const { rule, rules } = policy;
  const offers = offeredTypes(rules[rule]);
  if (offers.length === 0) return unlisted(header, policy);
  if (header === null && !rules.nameDefaultType) return null;
  const wanted = wantedBy(header ?? ANY);
  const refused = wanted.filter(({ quality }) => quality === 0).map(({ range }) => range);
  const named = wanted.filter(({ quality }) => quality > 0)
    .sort((a, b) => b.quality - a.quality)
    .flatMap((each) => namesFor(each, offers, refused, policy));
  if (named.length === 0) return quoted(header, rules);
  return rules.oneAcceptedType ? best(named).text : written(named, rules);
}

/** Where it is not known what the store has: asks for what is stored, and names nothing new. */
function unlisted(header: string | null, policy: Policy): string | null {
  const { rules } = policy;
  if (header === null || !(rules.askStored || rules.askStoredFrames)) return quoted(header, rules);
  const items = acceptItems(header).map((item) => {
    const range = parseMediaType(item);
    if (range === undefined || range.parameters.has("transfer-syntax")) return item.trim();
    const type = range.parameters.get("type");
    const asked = { essence: range.essence, type, syntaxes: undefined, place: 0 };
    if (!wantsStored(range, asked, policy)) return item.trim();
    const parameters = new Map(range.parameters).set("transfer-syntax", STORED);
    // What follows the weight would not belong to the media type.
    const quality = parameters.get("q");
    if (quality !== undefined && parameters.delete("q")) parameters.set("q", quality);
    return formatMediaType({ essence: range.essence, parameters });
  });
  return quoted(items.join(", "), rules);
}

/** Writes each value in quotes that needs them, and leaves all else as it is. */
function quoted(header: string | null, rules: Rules): string | null {
  if (header === null || !rules.quoteMediaTypes || !UNQUOTED_VALUE.test(header)) return header;
  return acceptItems(header).map((item) => {
    const type = parseMediaType(item);
    return type === undefined ? item.trim() : formatMediaType(type);
  }).join(", ");
}

function wantedBy(header: string): Wanted[] {
  return acceptItems(header).map(parseMediaType).filter((range) => range !== undefined)
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
  offers: readonly OfferedType[],
  refused: readonly MediaType[],
  policy: Policy,
): Named[] {
  const { rules, wraps } = policy;
  if (range.essence === ANY) {
    if (!rules.nameDefaultType) return [{ text: ANY, quality, place: 0 }];
    const first = offers.find((offer) => !refused.some((each) => covers(each, offer)));
    return first === undefined ? [] : offered(range, first, quality, policy);
  }
  let fitting = offers.filter((offer) => covers(range, offer));
  if (fitting.length === 0 && wraps && range.essence === MULTIPART) {
    const type = range.parameters.get("type")?.toLowerCase();
    fitting = offers.filter(({ essence }) => type === undefined || essence === type);
  }
  if (isWild(range)) {
    fitting = fitting.filter((offer) => !refused.some((each) => covers(each, offer)));
  }
  return fitting.flatMap((offer) => offered(range, offer, quality, policy));
}

/** The offer with the client's parameters, unless the store cannot give that transfer syntax. */
function offered(range: MediaType, offer: OfferedType, quality: number, policy: Policy): Named[] {
  const { essence, type, syntaxes, place } = offer;
  const parameters = new Map<string, string>();
  if (type !== undefined) parameters.set("type", type);
  for (const [name, value] of range.parameters) {
    if (name !== "q" && name !== "type") parameters.set(name, value);
  }
  const syntax = parameters.get("transfer-syntax");
  if (syntax !== undefined && syntaxes?.has(syntax) === false) return [];
  if (syntax === undefined && wantsStored(range, offer, policy)) {
    parameters.set("transfer-syntax", STORED);
  }
  return [{ text: formatMediaType({ essence, parameters }), quality, place }];
}

function wantsStored(range: MediaType, offer: OfferedType, { rule, rules }: Policy): boolean {
  if (offer.syntaxes?.has(STORED) === false) return false;
  switch (offer.type ?? offer.essence) {
    case "application/dicom":
      return rules.askStored;
    case "application/octet-stream":
      // What is not multipart says nowhere in which transfer syntax it is.
      return rule === "frameTypes" && offer.essence === MULTIPART &&
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
