import assert from "node:assert/strict";
import { readSearch } from "../../../src/dicomweb/search/search_page.ts";

const SEARCHES: [target: string, expected: ReturnType<typeof readSearch>][] = [
  ["/studies", { target: "/studies?", limit: undefined, offset: 0 }],
  ["/studies?limit=5", { target: "/studies?", limit: 5, offset: 0 }],
  ["/studies?a=1&limit=5&b=%2F,2&offset=7", {
    target: "/studies?a=1&b=%2F,2&",
    limit: 5,
    offset: 7,
  }],
  ["/studies?&limit=0&", { target: "/studies?", limit: 0, offset: 0 }],
  ["/studies?Limit=5", { target: "/studies?Limit=5&", limit: undefined, offset: 0 }],
  ["/studies?limit=x", undefined],
  ["/studies?limit=-1", undefined],
  ["/studies?limit=", undefined],
  ["/studies?limit=1&limit=2", undefined],
  ["/studies?limit=9999999999", undefined],
];

for (const [target, expected] of SEARCHES) {
  Deno.test(`readSearch: ${target}`, () => assert.deepEqual(readSearch(target), expected));
}
