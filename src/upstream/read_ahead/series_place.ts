/**
 * The place of a request in a series: which instance or frame it is for, or which series of a study, and
 * the same request for another place.
 */
import type { Transaction } from "../../dicomweb/transaction/transaction.ts";
import type { TransactionName } from "../../dicomweb/transaction/transaction_catalogue.ts";

/** An instance, or a frame of it; or a series whose metadata is requested. */
export interface Place {
  readonly uid: string;
  /** Undefined if the request is not for one frame. */
  readonly frame: number | undefined;
}

/** Requests that differ in their place only. */
export interface PlacedRequest {
  readonly study: string;
  /** Undefined if the places are the series of the study. */
  readonly series: string | undefined;
  readonly place: Place;
  /** The same for all places. */
  readonly template: string;
  /** The target of the same request for another place. */
  readonly targetAt: (place: Place) => string;
}

/** Of one instance, or of one frame. */
const OF_INSTANCE: ReadonlySet<TransactionName> = new Set([
  "retrieve-instance",
  "retrieve-frames",
  "retrieve-rendered",
  "retrieve-thumbnail",
  "retrieve-pixeldata",
  "retrieve-metadata",
  "wado-uri",
]);

/** @returns Undefined for a request that is not for one place. */
export function placedRequest(
  { name, study, series, instance, frames }: Transaction,
  target: string,
): PlacedRequest | undefined {
  if (study === undefined || series === undefined || !OF_INSTANCE.has(name)) return undefined;
  if (instance === undefined) {
    if (name !== "retrieve-metadata") return undefined;
    const split = splitAt(target, "/series/", series);
    return split && placed(study, undefined, { uid: series, frame: undefined }, split);
  }
  const split = splitAt(target, name === "wado-uri" ? "objectUID=" : "/instances/", instance);
  if (split === undefined) return undefined;
  if (frames === undefined) {
    return placed(study, series, { uid: instance, frame: undefined }, split);
  }
  const [, frame, after] = /^\/frames\/(\d+)(?![\d,%])(.*)$/s.exec(split.after) ?? [];
  return frame === undefined || frames.length > 1 ? undefined : placed(
    study,
    series,
    { uid: instance, frame: Number(frame) },
    { before: split.before, after: after! },
  );
}

interface Split {
  readonly before: string;
  readonly after: string;
}

/** Splits a target at a UID after a marker, if it is written there as it is. */
function splitAt(target: string, marker: string, uid: string): Split | undefined {
  const at = target.indexOf(`${marker}${uid}`);
  if (at < 0) return undefined;
  const before = target.slice(0, at + marker.length);
  const after = target.slice(before.length + uid.length);
  return /^(?:$|[/?&])/.test(after) ? { before, after } : undefined;
}

function placed(
  study: string,
  series: string | undefined,
  place: Place,
  { before, after }: Split,
): PlacedRequest {
  const isOfFrames = place.frame !== undefined;
  return {
    study,
    series,
    place,
    template: `${before}{uid}${isOfFrames ? "/frames/{frame}" : ""}${after}`,
    targetAt: ({ uid, frame }) =>
      `${before}${uid}${isOfFrames ? `/frames/${frame ?? 1}` : ""}${after}`,
  };
}
