import assert from "node:assert/strict";
import { nearestName } from "../../src/config/values/nearest_name.ts";

const KNOWN = ["Url", "TokenEndpoint", "ClientId", "ClientSecret", "Scope", "Http2"];

const rows: readonly (readonly [written: string, nearest: string | undefined, slip: string])[] = [
  ["Ulr", "Url", "two letters swapped"],
  ["Urls", "Url", "one letter too many"],
  ["TokenEndpiont", "TokenEndpoint", "two letters swapped in a long word"],
  ["tokenendpoint", "TokenEndpoint", "another case"],
  ["ClientSecert", "ClientSecret", "the nearer of two alike"],
  ["Client_Id", "ClientId", "another style"],
  ["Sope", "Scope", "one letter missing"],
  ["Region", undefined, "nothing is near"],
  ["", undefined, "nothing was written"],
  ["Url".repeat(1_000), undefined, "too long to be a slip"],
];

for (const [written, nearest, slip] of rows) {
  Deno.test(`nearestName: ${slip}: ${written.slice(0, 20)}`, () => {
    assert.equal(nearestName(written, KNOWN), nearest);
  });
}
