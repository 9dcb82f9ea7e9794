/**
 * What a viewer will ask for next, by the places that it asked for and the orders in which the store lists
 * them: the rest of the series in the direction of the viewer, then what is behind it.
 */
import type { Place } from "./series_place.ts";

/** What is known of a series. */
export interface Listing {
  /** UIDs; the most usual order first. */
  readonly orders: readonly (readonly string[])[];
  readonly framesOf: (uid: string) => number;
}

/** So many requests show order and direction: with six connections, few are in turn. */
const REMEMBERED = 12;

export class Sequence {
  readonly #recent: Place[] = [];

  /** The client has asked for a place. */
  note(place: Place): void {
    const last = this.#recent.at(-1);
    if (last?.uid === place.uid && last.frame === place.frame) return;
    this.#recent.push(place);
    if (this.#recent.length > REMEMBERED) this.#recent.shift();
  }

  /** Whether more than one place was asked for. */
  get hasBegun(): boolean {
    return this.#recent.length > 1;
  }

  /** Places that follow, the next one first; none if the last one is not listed. */
  *following({ orders, framesOf }: Listing): Generator<Place, void, void> {
    const last = this.#recent.at(-1);
    if (last === undefined) return;
    const steps = orders.map((order) => stepsIn(order, this.#recent));
    const best = steps.reduce((least, each, at) => each.far < steps[least]!.far ? at : least, 0);
    const order = orders[best];
    const at = order?.indexOf(last.uid) ?? -1;
    if (order === undefined || at < 0) return;
    const direction = steps[best]!.sum < 0 ? -1 : 1;
    yield* walk(order, framesOf, { at, frame: last.frame, direction });
    yield* walk(order, framesOf, { at, frame: last.frame, direction: -direction });
  }
}

/** How far apart successive places are in an order, and where they lead. */
function stepsIn(
  order: readonly string[],
  places: readonly Place[],
): { readonly far: number; readonly sum: number } {
  const indexes = new Map(order.map((uid, index) => [uid, index]));
  let far = 0;
  let sum = 0;
  for (let at = 1; at < places.length; at++) {
    const [one, other] = [places[at - 1]!, places[at]!];
    const [from, to] = [indexes.get(one.uid), indexes.get(other.uid)];
    const step = from === undefined || to === undefined
      ? order.length
      : to - from || Math.sign((other.frame ?? 0) - (one.frame ?? 0));
    far += Math.abs(step);
    if (from !== undefined && to !== undefined) sum += Math.sign(step);
  }
  return { far, sum };
}

function* walk(
  order: readonly string[],
  framesOf: (uid: string) => number,
  { at, frame, direction }: {
    readonly at: number;
    readonly frame: number | undefined;
    readonly direction: number;
  },
): Generator<Place, void, void> {
  let start = frame;
  for (let index = at; index >= 0 && index < order.length; index += direction) {
    const uid = order[index]!;
    if (frame === undefined) {
      if (index !== at) yield { uid, frame };
      continue;
    }
    const frames = framesOf(uid);
    // Of the first instance, what is beyond the frame that was asked for.
    let next = start === undefined ? (direction > 0 ? 1 : frames) : start + direction;
    for (; next >= 1 && next <= frames; next += direction) yield { uid, frame: next };
    start = undefined;
  }
}
