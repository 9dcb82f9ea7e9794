/**
 * Normalizes `Accept` for a store: only media types that it supports, in the syntax of RFC 9110,
 * the preferred first. It adds no media type that the client did not name, unless the client
 * accepts any, or the gateway converts the store's into the client's. Also quotes `Content-Type`.
 */
import { acceptInQuery, isAcceptable } from "./acceptable.ts";
import { BoundedCache, type CacheBounds } from "../bounded_cache.ts";
import {
  type AcceptedMediaType,
  acceptItems,
  formatMediaType,
  mediaRanges,
  type MediaType,
  parseAccept,
  parseMediaType,
} from "./media_type.ts";
import {
  covers,
  coversParts,
  isForAnyPart,
  isWild,
  type OfferedType,
  offeredTypes,
} from "./offered_type.ts";
import type { Profile, Rules } from "../profile/profile.ts";
import { isOfOnePart, type Transaction } from "../transaction/transaction.ts";
import type { TransactionName } from "../transaction/transaction_catalogue.ts";

type TypesRule = {
  [Id in keyof Rules]: Rules[Id] extends readonly string[] ? Id : never;
}[keyof Rules];

/** The rule that lists a store's media types for the response to a transaction. */
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

/** The rule that lists the store's media types for the response, and all rules. */
interface Policy {
  readonly rule: TypesRule;
  readonly rules: Rules;
  /** Whether the gateway wraps the store's single parts as multipart. */
  readonly wraps: boolean;
  /** Whether it unwraps the store's multipart responses of one part. */
  readonly unwraps: boolean;
}

/** A media type for the header, with its weight. */
interface Named {
  readonly text: string;
  readonly quality: number;
  /** Position in the store's list, the best first. */
  readonly place: number;
}

/** An unquoted value with characters that require quotes. */
const UNQUOTED_VALUE = /=[ \t]*(?=[^" \t])[^;,"=]*[/=?@:<>()[\]{}\\]/;
const ANY = "*/*";
const MULTIPART = "multipart/related";
/** Media types of reports on an upload that any store may have (PS3.18, section 10.5.3). */
const REPORT_TYPES = ["application/dicom+json", "application/json", "application/dicom+xml"];
const STORED = "*";

const remembered = new WeakMap<Rules, BoundedCache<string | null>>();
const BOUNDS: CacheBounds = { maxEntries: 256, maxKeyLength: 1024 };

/** Normalizes `Accept` for a store; returns the same header if no rule applies. */
export function normaliseAccept(
  transaction: Transaction,
  accept: string | null,
  { rules }: Pick<Profile, "rules">,
): string | null {
  const types = TYPES_FOR[transaction.name];
  // The gateway then requests single instances and combines them.
  const isByInstance = types === "studyTypes" && rules.retrieveByInstance;
  const inQuery = acceptInQuery(transaction.query);
  // A media type in the query overrides the header, which then must stay as wide as it is.
  const listed = inQuery === null || isByInstance ? types : undefined;
  const wanted = isByInstance ? inQuery ?? accept : accept;
  const header = wanted?.trim() ? wanted : null;
  const rule = isByInstance ? "instanceTypes" : listed;
  const wraps = rules.wrapSingleParts || isByInstance;
  const unwraps = rules.unwrapSingleParts && isOfOnePart(transaction);
  return answersFor(rules).get(
    `${rule ?? ""} ${wraps} ${unwraps} ${header ?? ""}`,
    () =>
      rule === undefined
        ? quoted(header, rules)
        : negotiated(header, { rule, rules, wraps, unwraps }),
  );
}

/**
 * Quotes the parameters of `Content-Type` that require it; returns the same header if none do.
 * The meaning is unchanged: the boundary is part of the body.
 */
export function normaliseContentType(contentType: string | null, profile: Profile): string | null {
  if (contentType === null || !profile.rules.quoteMediaTypes) return contentType;
  if (!UNQUOTED_VALUE.test(contentType)) return contentType;
  const type = parseMediaType(contentType);
  return type === undefined ? contentType : formatMediaType(type);
}

/** Clients send the same few headers again and again. */
function answersFor(rules: Rules): BoundedCache<string | null> {
  let answers = remembered.get(rules);
  if (answers === undefined) remembered.set(rules, answers = new BoundedCache(BOUNDS));
  return answers;
}

function negotiated(header: string | null, policy: Policy): string | null {
  const { rule, rules } = policy;
  const types = rules[rule];
  const offers = offeredTypes(types);
  const convertsReports = rule === "storeAnswerTypes" && rules.storeAnswerAsJson;
  if (offers.length === 0) {
    const isUseless = convertsReports && !REPORT_TYPES.some((type) => isAcceptable(header, type));
    return isUseless ? REPORT_TYPES[0]! : unlisted(header, policy);
  }
  if (header === null && !rules.nameDefaultType) return null;
  const refused = mediaRanges(header ?? "").filter(({ quality }) => quality === 0);
  const named = parseAccept(header).flatMap((each) => namesFor(each, offers, refused, policy));
  if (named.length === 0) return convertsReports ? types[0]! : quoted(header, rules);
  return rules.oneAcceptedType ? best(named).text : written(named, rules);
}

/** If the store's media types are unknown: adds the stored transfer syntax, and no media type. */
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

/** Quotes values that require it, and leaves everything else unchanged. */
function quoted(header: string | null, rules: Rules): string | null {
  if (header === null || !rules.quoteMediaTypes || !UNQUOTED_VALUE.test(header)) return header;
  return acceptItems(header).map((item) => {
    const type = parseMediaType(item);
    return type === undefined ? item.trim() : formatMediaType(type);
  }).join(", ");
}

/** The store's media types that match one of the client's media ranges. */
function namesFor(
  range: AcceptedMediaType,
  offers: readonly OfferedType[],
  refused: readonly MediaType[],
  policy: Policy,
): Named[] {
  const { rules, wraps, unwraps } = policy;
  if (range.essence === ANY) {
    if (!rules.nameDefaultType) return [{ text: ANY, quality: range.quality, place: 0 }];
    const first = offers.find((offer) => !refused.some((each) => covers(each, offer)));
    return first === undefined ? [] : offered(range, first, policy);
  }
  let fitting = offers.filter((offer) => covers(range, offer));
  if (fitting.length === 0 && wraps && range.essence === MULTIPART) {
    const type = range.parameters.get("type")?.toLowerCase();
    fitting = offers.filter(({ essence }) => type === undefined || essence === type);
  }
  if (fitting.length === 0 && unwraps) {
    fitting = offers.filter((offer) => coversParts(range, offer));
  }
  if (isWild(range)) {
    fitting = fitting.filter((offer) => !refused.some((each) => covers(each, offer)));
  }
  return fitting.flatMap((offer) => offered(range, offer, policy));
}

/** The offer with the client's parameters, if the store supports that transfer syntax. */
function offered(range: AcceptedMediaType, offer: OfferedType, policy: Policy): Named[] {
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
  return [{ text: formatMediaType({ essence, parameters }), quality: range.quality, place }];
}

function wantsStored(range: MediaType, offer: OfferedType, { rule, rules }: Policy): boolean {
  if (offer.syntaxes?.has(STORED) === false) return false;
  switch (offer.type ?? offer.essence) {
    case "application/dicom":
      return rules.askStored;
    case "application/octet-stream":
      // A single part does not state its transfer syntax.
      return rule === "frameTypes" && offer.essence === MULTIPART &&
        (rules.askStoredFrames || (rules.askStored && isForAnyPart(range)));
    default:
      return false;
  }
}

/** The preferred one; of several, the store's first. */
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
  // Alone it needs no weight, which stores that compare the text do not expect.
  if (items.length === 1) return items[0]![0];
  const weighsAll = rules.weighEveryType && items.some(([, quality]) => quality < 1);
  return items.map(([text, quality]) =>
    quality < 1 || weighsAll ? `${text}; q=${weight(quality)}` : text
  ).join(", ");
}

/** RFC 9110 allows three digits; 0 would mean the opposite. */
function weight(quality: number): number {
  return Math.max(0.001, Math.round(quality * 1_000) / 1_000);
}
