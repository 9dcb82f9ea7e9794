import assert from "node:assert/strict";
import { collectedWarning, readRemaining } from "../../../src/dicomweb/search/search_warning.ts";

const MORE = "299 https://store.example/rs: There are 250 additional results that can be requested";
const FUZZY =
  '299 - "The fuzzymatching parameter is not supported. Only literal matching, 299 of it"';

/** A page's header, what is read in it, and the list's header when 0 and 40 results remain. */
const WARNINGS: readonly [
  warning: string | null,
  read: [isMore: boolean, count: number | undefined],
  whole: string | undefined,
  partial: string | undefined,
][] = [
  [null, [false, undefined], undefined, undefined],
  [MORE, [true, 250], undefined, MORE.replace("250", "40")],
  [FUZZY, [false, undefined], FUZZY, FUZZY],
  [`${FUZZY}, ${MORE}`, [true, 250], FUZZY, `${FUZZY}, ${MORE.replace("250", "40")}`],
  [`${MORE},${FUZZY}`, [true, 250], FUZZY, `${MORE.replace("250", "40")}, ${FUZZY}`],
  [
    "299 s There are additional results that can be requested",
    [true, undefined],
    undefined,
    undefined,
  ],
  ["299 s: There are 0 additional results that can be requested", [false, 0], undefined, undefined],
];

for (const [warning, [isMore, count], whole, partial] of WARNINGS) {
  Deno.test(`Warning of a page: ${warning}`, () => {
    assert.deepEqual(readRemaining(warning), { isMore, count });
    assert.equal(collectedWarning(warning, 0), whole);
    if (count !== 0) assert.equal(collectedWarning(warning, 40), partial);
  });
}

Deno.test("Warning of a page: one that is very long is read to its end", () => {
  for (const filler of [", 299 ", " ", "1", "299 additional", ","]) {
    const long = `299 s: ${filler.repeat(30_000)}. There are 5 additional results`;
    assert.equal(readRemaining(long).isMore, true);
    assert.doesNotMatch(collectedWarning(long, 0) ?? "", /5 additional/);
  }
});
