import assert from "node:assert/strict";
import { findTargetFault } from "../../src/dicomweb/store_path.ts";

const FIT = [
  "",
  "/",
  "/studies",
  "/studies?PatientName=M%C3%BCller*&00080020=20240101-20241231&includefield=all",
  "/studies/1.2.840.113619.2.1/series/2.25.3/instances/1.2.3/frames/1,2,3",
  "/studies/1.2.3/instances/4.5.6/bulkdata/PixelData.0;v=1",
  "/partitions/site%20one/studies",
  "/studies/1.2/bulkdata/M%C3%BCller",
  "/workitems/1.2.3/state/DICOM_GATEWAY",
  "/studies?x=a/../b",
  "/studies?x=%2e%2e%2f%00",
  "/studies/...",
];

/** What is refused, and why it must be. */
const UNFIT: [target: string, why: string][] = [
  ["/..", "dot segment (RFC 3986, section 5.2.4)"],
  ["/studies/../../admin", "dot segment in the middle"],
  ["/./studies", "single dot segment"],
  ["/studies/.", "dot segment at the end"],
  ["/%2e%2e/admin", "encoded dots are dot segments to WHATWG URL parsers"],
  ["/.%2E/admin", "half encoded dots too"],
  ["/a%2fb", "an encoded slash is a slash to some servers"],
  ["/a%5Cb", "an encoded backslash is a slash to some servers"],
  ["/a\\b", "a backslash is a slash to WHATWG URL parsers"],
  ["/%252e%252e/admin", "encoded twice, decoded twice by some"],
  ["/a%25252fb", "encoded three times"],
  ["/..%c0%afadmin", "an overlong encoding is a slash to some (RFC 3629, section 10)"],
  ["/%e0%80%afadmin", "longer ones too"],
  ["/studies/%ff", "bytes that no text has"],
  ["/a%00b", "a zero byte ends strings of some"],
  ["/a%0d%0aHost:x", "line breaks split headers"],
  ["/a\tb", "control characters are dropped by WHATWG URL parsers"],
  ["/a\nb", "line break"],
  ["/a b", "a blank ends the request line"],
  ["/a%zz", "no percent-encoding"],
  ["/a%", "cut percent-encoding"],
  ["//evil.example/studies", "an empty first segment makes another host of it"],
  ["/studies//series", "an empty segment is dropped by some"],
  ["@evil.example/studies", "no slash at the start: the base URL's host would become user info"],
  [":8080/studies", "no slash at the start: would become a port"],
  ["/é", "not ASCII"],
  ["/a#b", "a fragment"],
  ["/a?b#c", "a fragment in the query"],
  ["/a?b\r\nHost: x", "line break in the query"],
  [`/${"a".repeat(8200)}`, "overlong"],
];

Deno.test("findTargetFault: what DICOMweb and stores' own paths look like is let through", () => {
  for (const target of FIT) assert.equal(findTargetFault(target), undefined, target);
});

for (const [target, why] of UNFIT) {
  Deno.test(`findTargetFault: refuses ${JSON.stringify(target.slice(0, 40))}: ${why}`, () => {
    const fault = findTargetFault(target);
    assert.equal(typeof fault, "string");
    assert.ok(!fault?.includes("admin"), "the fault repeats no part of the target");
  });
}

Deno.test("findTargetFault: whatever it lets through stays below the base URL", () => {
  const alphabet = ["/", ".", "..", "%2e", "%2f", "a", "?", "#", "\\", "@", ":", "//", "%25", " "];
  let seed = 1;
  const next = () => (seed = (seed * 48271) % 2147483647);
  let passed = 0;
  for (let round = 0; round < 20_000; round++) {
    const target = Array.from(
      { length: 1 + next() % 6 },
      () => alphabet[next() % alphabet.length],
    ).join("");
    if (findTargetFault(target) !== undefined) continue;
    passed++;
    const url = new URL(`https://store.example/base${target}`);
    assert.equal(url.host, "store.example", target);
    assert.ok(url.pathname === "/base" || url.pathname.startsWith("/base/"), target);
  }
  assert.ok(passed > 500, `only ${passed} targets got through: the test would show nothing`);
});
