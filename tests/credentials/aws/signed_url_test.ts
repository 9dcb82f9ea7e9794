import assert from "node:assert/strict";
import { signedUrl } from "../../../src/credentials/aws/signed_url.ts";

const BASE = "https://dicom-medical-imaging.eu-west-1.amazonaws.com/datastore/0123abcd";

/** What a client may send below the store's base URL, and what is signed and sent in its place. */
const rows: readonly (readonly [name: string, target: string, signed: string | undefined])[] = [
  ["nothing to encode", "/studies/1.2.3/series/4.5", "/studies/1.2.3/series/4.5"],
  ["a trailing slash", "/studies/", "/studies/"],
  ["commas in a path", "/instances/1.2/frames/1,2,3", "/instances/1.2/frames/1%2C2%2C3"],
  [
    "the other signs that a path may have",
    "/a:b@c!$&'()*+;=~",
    "/a%3Ab%40c%21%24%26%27%28%29%2A%2B%3B%3D~",
  ],
  ["a plus sign in a path, which is one", "/a+b", "/a%2Bb"],
  ["an encoded slash in a path", "/bulk/a%2fb", "/bulk/a%2Fb"],
  ["non-ASCII in a path", "/bulk/%c3%a9", "/bulk/%C3%A9"],
  ["needless encoding", "/%73tudies?%50atientID=%41", "/studies?PatientID=A"],
  ["a wildcard", "/studies?PatientName=M%c3%bcller*", "/studies?PatientName=M%C3%BCller%2A"],
  ["a range", "/studies?StudyDate=20200101-20201231", "/studies?StudyDate=20200101-20201231"],
  ["a caret", "/studies?PatientName=DOE^JOHN", "/studies?PatientName=DOE%5EJOHN"],
  ["an encoded caret", "/studies?PatientName=DOE%5eJOHN", "/studies?PatientName=DOE%5EJOHN"],
  ["a blank", "/studies?PatientName=A%20B", "/studies?PatientName=A%20B"],
  ["a blank as forms write it", "/studies?PatientName=A+B", "/studies?PatientName=A%20B"],
  ["an encoded plus sign", "/studies?accept=a%2Bb", "/studies?accept=a%2Bb"],
  [
    "repeated keys, in their order",
    "/studies?includefield=b&includefield=a&includefield=00081030",
    "/studies?includefield=b&includefield=a&includefield=00081030",
  ],
  ["lists", "/studies?00080061=CT\\MR,PT", "/studies?00080061=CT%5CMR%2CPT"],
  ["an empty value", "/studies?PatientID=&limit=1", "/studies?PatientID=&limit=1"],
  ["a key without a value", "/studies?fuzzymatching&limit=1", "/studies?fuzzymatching=&limit=1"],
  ["an equals sign in a value", "/studies?a=b=c", "/studies?a=b%3Dc"],
  ["an empty query", "/studies?", "/studies"],
  ["empty pairs", "/studies?&&a=1&", "/studies?a=1"],
  ["a value without a key", "/studies?=x&a=1", "/studies?a=1"],
  [
    "signs that URLs leave alone in queries",
    "/s?a=|{}[]`:@/?$!()",
    "/s?a=" +
    "%7C%7B%7D%5B%5D%60%3A%40%2F%3F%24%21%28%29",
  ],
  ["an apostrophe, which fetch encodes", "/s?a='x'", "/s?a=%27x%27"],
  ["a per cent sign that encodes nothing", "/s?a=100%&b=%zz", "/s?a=100%25&b=%25zz"],
  ["Japanese", "/s?PatientName=%E5%B1%B1%E7%94%B0", "/s?PatientName=%E5%B1%B1%E7%94%B0"],
  ["characters beyond the basic plane", "/s?a=%F0%9F%A9%BB", "/s?a=%F0%9F%A9%BB"],
  ["UTF-8 that was not encoded", "/s?PatientName=é", "/s?PatientName=%C3%A9"],
  ["Latin-1 in a query", "/s?PatientName=%E9", undefined],
  ["Latin-1 in a path", "/bulk/%E9", undefined],
  ["UTF-8 cut short", "/s?PatientName=%E5%B1", undefined],
];

for (const [name, target, signed] of rows) {
  Deno.test(`signedUrl: ${name}`, () => {
    assert.equal(signedUrl(BASE + target), signed && BASE + signed);
  });
}

Deno.test("signedUrl: fetch sends its result unchanged, and signing it again does not change it", () => {
  for (const [, , signed] of rows) {
    if (signed === undefined) continue;
    assert.equal(new URL(BASE + signed).href, BASE + signed);
    assert.equal(signedUrl(BASE + signed), BASE + signed);
  }
});

Deno.test("signedUrl: keys and values keep their meaning", () => {
  for (const [, target, signed] of rows) {
    if (signed === undefined) continue;
    const pairs = (url: string) => [...new URL(url).searchParams].filter(([key]) => key !== "");
    assert.deepEqual(pairs(BASE + signed), pairs(BASE + target));
  }
});
