/**
 * What a store's metadata and search answers say of its series: their instances, in the orders in which
 * viewers ask for them. It reads UIDs, numbers and positions only.
 */
import { numberOf, textOf, toDataset } from "../../dicomweb/dicom_json.ts";
import { TAGS } from "../listed_instance.ts";

/** An instance as it was listed. */
interface Listed {
  readonly uid: string;
  readonly frames: number;
  readonly number: number | undefined;
  /** Along the normal of the image plane. */
  readonly position: number | undefined;
}

interface Series {
  readonly instances: Map<string, Listed>;
  /** Made when they are needed. */
  orders: readonly (readonly string[])[] | undefined;
}

/** One dataset of a list, and what its path says of it. */
export interface ListedIn {
  readonly study?: string | undefined;
  readonly series?: string | undefined;
}

const NUMBER = "00200013";
const FRAMES = "00280008";
const POSITION = "00200032";
const ORIENTATION = "00200037";

/** Viewers have few series open at once. */
const MAX_SERIES = 64;
const MAX_STUDIES = 64;
/** Of one series, or series of one study. */
const MAX_LISTED = 10_000;
const MAX_UID_LENGTH = 64;

export class SeriesOrders {
  readonly #series = new Map<string, Series>();
  /** The UIDs of each study's series, as listed. */
  readonly #studies = new Map<string, Set<string>>();

  /** Learns from one dataset of a search's answer or of metadata. */
  learn(value: unknown, { study: ofStudy, series: ofSeries }: ListedIn): void {
    const dataset = toDataset(value);
    if (dataset === undefined) return;
    const study = ofStudy ?? textOf(dataset, TAGS.study);
    const series = ofSeries ?? textOf(dataset, TAGS.series);
    const uid = textOf(dataset, TAGS.instance);
    if (!isUsable(study) || !isUsable(series)) return;
    const listed = entryOf(this.#studies, study, MAX_STUDIES, () => new Set<string>());
    if (listed.size < MAX_LISTED) listed.add(series);
    if (!isUsable(uid)) return;
    const known = entryOf(this.#series, keyOf(study, series), MAX_SERIES, () => ({
      instances: new Map<string, Listed>(),
      orders: undefined,
    }));
    if (known.instances.size >= MAX_LISTED && !known.instances.has(uid)) return;
    const before = known.instances.get(uid);
    known.instances.set(uid, {
      uid,
      frames: Math.max(1, numberOf(dataset, FRAMES) ?? before?.frames ?? 1),
      number: numberOf(dataset, NUMBER) ?? before?.number,
      position: positionOf(dataset) ?? before?.position,
    });
    known.orders = undefined;
  }

  /**
   * The orders of a series' instances, the most usual first: by InstanceNumber, by position, as listed.
   * Empty if it is not known.
   */
  instancesOf(study: string, series: string): readonly (readonly string[])[] {
    const known = this.#series.get(keyOf(study, series));
    if (known === undefined) return [];
    const instances = [...known.instances.values()];
    return known.orders ??= [
      ...orderBy(instances, ({ number }) => number),
      ...orderBy(instances, ({ position }) => position),
      instances.map(({ uid }) => uid),
    ];
  }

  /** How many frames an instance has, as far as known. */
  framesOf(study: string, series: string, instance: string): number {
    return this.#series.get(keyOf(study, series))?.instances.get(instance)?.frames ?? 1;
  }

  /** The series of a study, in the order of the store's list. */
  seriesOf(study: string): readonly string[] {
    return [...this.#studies.get(study) ?? []];
  }

  /** Forgets a study, or all. */
  forget(study?: string): void {
    if (study === undefined) {
      this.#studies.clear();
      this.#series.clear();
      return;
    }
    for (const series of this.#studies.get(study) ?? []) this.#series.delete(keyOf(study, series));
    this.#studies.delete(study);
  }
}

/** Only a UID has a place in a path. */
function isUsable(uid: string | undefined): uid is string {
  return uid !== undefined && uid.length <= MAX_UID_LENGTH && /^[0-9.]+$/.test(uid);
}

function keyOf(study: string, series: string): string {
  return `${study}/${series}`;
}

function entryOf<T>(map: Map<string, T>, key: string, max: number, make: () => T): T {
  const known = map.get(key) ?? make();
  map.delete(key);
  map.set(key, known);
  if (map.size > max) {
    for (const oldest of map.keys()) {
      map.delete(oldest);
      break;
    }
  }
  return known;
}

/** One order if all have a place in it, none otherwise. */
function orderBy(
  instances: readonly Listed[],
  place: (listed: Listed) => number | undefined,
): (readonly string[])[] {
  if (instances.some((each) => place(each) === undefined)) return [];
  return [instances.toSorted((a, b) => place(a)! - place(b)!).map(({ uid }) => uid)];
}

/** The image's place along the normal of its plane (PS3.3, section C.7.6.2.1.1). */
function positionOf(dataset: NonNullable<ReturnType<typeof toDataset>>): number | undefined {
  const [x, y, z] = numbersOf(dataset[POSITION]?.Value, 3);
  const [a, b, c, d, e, f] = numbersOf(dataset[ORIENTATION]?.Value, 6);
  if (z === undefined || f === undefined) return undefined;
  return x! * (b! * f - c! * e!) + y! * (c! * d! - a! * f) + z * (a! * e! - b! * d!);
}

function numbersOf(values: readonly unknown[] | undefined, count: number): readonly number[] {
  if (!Array.isArray(values) || values.length !== count) return [];
  const numbers = values.map(Number);
  return numbers.every(Number.isFinite) ? numbers : [];
}
