import assert from "node:assert/strict";
import { classify } from "../../../src/dicomweb/transaction/transaction.ts";
import { placedRequest } from "../../../src/upstream/read_ahead/series_place.ts";
import { Viewing } from "../../../src/upstream/read_ahead/viewing.ts";

function viewing(series: string, subject: string, atMs: number): Viewing {
  const target = `/studies/1.2/series/${series}/instances/1.3/frames/1`;
  const placed = placedRequest(classify("GET", target), target)!;
  const made = new Viewing({ placed, subject, representation: "" });
  made.note(placed, atMs);
  return made;
}

/** When the last request for another series was, by whom; and how long after the first this is. */
const ACTIVE: readonly [
  what: string,
  other: [string, number] | undefined,
  afterMs: number,
  isActive: boolean,
][] = [
  ["seconds after a request", undefined, 7_900, true],
  ["without a request for longer", undefined, 8_000, false],
  ["while the client looks at two series at once", ["a", 1_000], 1_900, true],
  ["when the client has gone to another series", ["a", 1_000], 2_000, false],
  ["when another client looks at another series", ["b", 1_000], 2_000, true],
];

for (const [what, other, afterMs, isActive] of ACTIVE) {
  Deno.test(`Viewing: reading ahead ${isActive ? "goes on" : "ends"} ${what}`, () => {
    const one = viewing("1.1", "a", 0);
    const all = other === undefined ? [one] : [one, viewing("2.2", ...other)];
    assert.equal(one.isActive(all, afterMs), isActive);
  });
}

/** Targets with their next place; undefined if they have none. */
const PLACES: readonly [target: string, next: string | undefined][] = [
  ["/studies/1/series/2/instances/3/frames/1", "/studies/1/series/2/instances/9/frames/7"],
  [
    "/studies/1/series/2/instances/3/frames/1/rendered?q=9",
    "/studies/1/series/2/instances/9/frames/7/rendered?q=9",
  ],
  ["/studies/1/series/2/instances/3", "/studies/1/series/2/instances/9"],
  ["/studies/1/series/2/instances/3/rendered", "/studies/1/series/2/instances/9/rendered"],
  ["/partitions/p/studies/1/series/2/instances/3", "/partitions/p/studies/1/series/2/instances/9"],
  ["/studies/1/series/3/metadata", "/studies/1/series/9/metadata"],
  ["/studies/1/series/3/instances/3", "/studies/1/series/3/instances/9"],
  [
    "/wado?requestType=WADO&studyUID=1&seriesUID=2&objectUID=3&contentType=image/jpeg",
    "/wado?requestType=WADO&studyUID=1&seriesUID=2&objectUID=9&contentType=image/jpeg",
  ],
  ["/studies/1/series/2/instances/3/frames/1,2", undefined],
  ["/studies/1/series/2", undefined],
  ["/studies/1/metadata", undefined],
  ["/studies/1/series/2/instances/3/bulkdata/7FE00010", undefined],
  ["/studies/1/series/2/instances/%33", undefined],
];

for (const [target, next] of PLACES) {
  Deno.test(`placedRequest: ${target} has ${next === undefined ? "no next place" : "another place"}`, () => {
    const placed = placedRequest(classify("GET", target), target);
    assert.equal(placed?.targetAt({ uid: "9", frame: 7 }), next);
    assert.equal(placed?.targetAt(placed.place), next === undefined ? undefined : target);
  });
}
