import assert from "node:assert/strict";
import {
  acceptInQuery,
  isAcceptable,
  withoutAccept,
} from "../../../src/dicomweb/media_type/acceptable.ts";

const TYPE = 'multipart/related; type="application/dicom"';

/** A client's `Accept`, and whether it accepts instances in a multipart body (RFC 9110, section 12.5.1). */
const ACCEPTS: readonly [accept: string | null, accepts: boolean][] = [
  [null, true],
  ["", true],
  ["*/*", true],
  ["multipart/*", true],
  ["multipart/related", true],
  [`${TYPE}; transfer-syntax=*`, true],
  ["multipart/related; type=application/dicom", true],
  ["application/zip, */*;q=0.1", true],
  ["application/zip", false],
  ["application/dicom", false],
  ["application/dicom+json", false],
  ['multipart/related; type="application/octet-stream"', false],
  ['multipart/related; type="image/jpeg"', false],
  ["*/*;q=0", false],
  [`*/*, ${TYPE};q=0`, false],
  [`*/*;q=0, ${TYPE}`, true],
  ["not a media type", true],
];

for (const [accept, accepts] of ACCEPTS) {
  Deno.test(`isAcceptable: ${accept} ${accepts ? "accepts" : "does not accept"} ${TYPE}`, () => {
    assert.equal(isAcceptable(accept, TYPE), accepts);
  });
}

const QUERIES: readonly [query: string, accept: string | null, rest: string][] = [
  ["", null, ""],
  ["imageSetId=a%2Fb", null, "imageSetId=a%2Fb"],
  ["accept=application/zip", "application/zip", ""],
  ["a=1&accept=application%2Fzip&accept=image/png&b", "application/zip, image/png", "a=1&b"],
  ["acceptable=1&xaccept=2&accept", null, "acceptable=1&xaccept=2"],
  ["accept=", null, ""],
];

for (const [query, accept, rest] of QUERIES) {
  Deno.test(`acceptInQuery and withoutAccept: "${query}"`, () => {
    assert.equal(acceptInQuery(query), accept);
    assert.equal(withoutAccept(query), rest);
  });
}
