import assert from "node:assert/strict";
import fc from "fast-check";
import { findTargetFault, withEncodedPath } from "../../../src/dicomweb/transaction/store_path.ts";

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
  "/studies/1.2/bulkdata/PixelData%3Bv=1",
  "/studies/1.2/bulkdata/100%25",
  "/studies/1.2/bulkdata/%E6%96%87%E5%AD%97",
  "/studies/1.2;v=1/series/.hidden",
  "/studies/",
];

/** Rejected targets, and why. */
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
  [
    "/studies/..;/admin",
    "Tomcat, Jetty and Spring take path parameters away (RFC 3986, section 3.3)",
  ],
  ["/studies/..;a=b/admin", "with a value"],
  ["/studies/.;/admin", "a single dot"],
  ["/extendedquerytags/..;", "at the end"],
  ["/studies/;/admin", "nothing is left of the segment"],
  ["/;v=1", "nothing is left of the only one"],
  ["/studies/..%3b/admin", "an encoded semicolon"],
  ["/studies/..%253Ba/admin", "encoded twice"],
  ["/studies/%3b/admin", "nothing is left of the segment, encoded"],
  ["/studies/...", "Windows drops dots at the end"],
  ["/studies/.../admin", "in the middle"],
  ["/studies/..%20/admin", "some trim blanks"],
  ["/studies/%20/admin", "a segment of blanks is empty"],
  ["/studies/%20", "at the end"],
  ["/studies/..%C2%AD/admin", "a soft hyphen, which nobody sees"],
  ["/studies/..%E2%80%8B/admin", "a zero-width space"],
  ["/studies/..%C2%A0;/admin", "a no-break space"],
  ["/%25%32%65%25%32%65/admin", "each character of the inner encoding encoded"],
  ["/a%25%32%66b", "a slash, the same"],
  ["/a%2525252fb", "encoded four times"],
  ["/a%2525252541b", "encoded more often than anyone needs"],
  ["/a%25c0%25afb", "an overlong slash encoded twice"],
  ["/%EF%BC%8E%EF%BC%8E/admin", "full-width dots (U+FF0E)"],
  ["/a%EF%BC%8Fb", "a full-width slash (U+FF0F)"],
  ["/a%EF%BC%BCb", "a full-width backslash (U+FF3C)"],
  ["/..%EF%BC%9Bx", "a full-width semicolon (U+FF1B)"],
  ["/..%CD%BEx", "a Greek question mark is a semicolon (U+037E)"],
  ["/a%EF%BC%85b", "a full-width percent sign (U+FF05)"],
  ["/%E2%80%A4%E2%80%A4/admin", "one-dot leaders (U+2024)"],
  ["/%E2%80%A5/admin", "a two-dot leader (U+2025)"],
  ["/%E2%80%A6/admin", "an ellipsis (U+2026)"],
  ["/%EF%B9%92%EF%B9%92/admin", "small full stops (U+FE52)"],
  ["/a%EF%B9%A8b", "a small backslash (U+FE68)"],
  ["/a%E2%84%80b", "an account sign is a/c (U+2100)"],
  ["/a%E2%88%95b", "a division slash, by Windows' best fit (U+2215)"],
  ["/a%E2%81%84b", "a fraction slash, by Windows' best fit (U+2044)"],
  ["/a%C2%A5b", "a yen sign is a backslash in Shift JIS"],
  ["/%E3%80%82%E3%80%82/admin", "ideographic full stops (U+3002)"],
  ["/a%C2%85b", "a control character beyond ASCII (U+0085)"],
];

Deno.test("findTargetFault: accepts paths of DICOMweb and of stores", () => {
  for (const target of FIT) assert.equal(findTargetFault(target), undefined, target);
});

for (const [target, why] of UNFIT) {
  Deno.test(`findTargetFault: rejects ${JSON.stringify(target.slice(0, 40))}: ${why}`, () => {
    const fault = findTargetFault(target);
    assert.equal(typeof fault, "string");
    assert.ok(!fault?.includes("admin"), "the fault repeats no part of the target");
  });
}

/** Targets as written by clients, and as sent to the store. */
const RAW: [target: string, encoded: string][] = [
  ["/studies/1.2/reject/113001^DCM", "/studies/1.2/reject/113001%5EDCM"],
  ["/studies/1.2/reject/113001%5EDCM?a=b^c", "/studies/1.2/reject/113001%5EDCM?a=b^c"],
  ["/workitems/1.2/subscribers/A|B", "/workitems/1.2/subscribers/A%7CB"],
  ['/"<>[]`{}^|', "/%22%3C%3E%5B%5D%60%7B%7D%5E%7C"],
  ["/studies?x=^", "/studies?x=^"],
  ["", ""],
];

for (const [target, encoded] of RAW) {
  Deno.test(`withEncodedPath: ${target} is ${encoded}`, () => {
    assert.equal(withEncodedPath(target), encoded);
    assert.equal(findTargetFault(encoded), undefined);
  });
}

Deno.test("withEncodedPath leaves alone what findTargetFault rejects", () => {
  for (const target of ["/a\\b", "/a b", "/a%", "/a#b", "/\u00e9", "/..", "//^"]) {
    assert.notEqual(findTargetFault(withEncodedPath(target)), undefined, target);
  }
});

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

Deno.test("findTargetFault: no character that Unicode folds into one that takes a path apart passes", () => {
  let refused = 0;
  for (let code = 0x80; code <= 0x10ffff; code++) {
    if (code >= 0xd800 && code <= 0xdfff) continue;
    const character = String.fromCodePoint(code);
    if (!/[./\\;%?#]/.test(character.normalize("NFKC"))) continue;
    assert.notEqual(findTargetFault(`/a${encodeURIComponent(character)}b`), undefined, character);
    refused++;
  }
  assert.ok(refused > 50, `only ${refused} such characters`);
});

Deno.test("findTargetFault: what it lets through has the same segments however a server reads it", () => {
  const pieces = [
    "/",
    ".",
    "..",
    ";",
    ";v=1",
    "%",
    "%25",
    "%2e",
    "%2f",
    "%3b",
    "%32",
    "%65",
    "%20",
    "%EF%BC%8E",
    "%EF%BC%8F",
    "%E2%80%A5",
    "%C2%AD",
    "%c0%ae",
    "studies",
    "1.2",
    "bulkdata",
    "a",
    "\\",
    "é",
  ];
  let passed = 0;
  fc.assert(
    fc.property(
      fc.array(fc.oneof(fc.constantFrom(...pieces), fc.string({ unit: "binary", maxLength: 2 })), {
        maxLength: 10,
      }),
      (chosen) => {
        const path = `/${chosen.join("")}`.replaceAll("?", "");
        if (findTargetFault(path) !== undefined) return;
        passed++;
        for (const read of readings(path)) {
          assert.equal(read.split("/").length, path.split("/").length, read);
          for (const segment of read.split("/").slice(1)) {
            const name = segment.split(";")[0]!.trim();
            assert.ok(name !== "." && name !== ".." && !name.includes("\\"), read);
            assert.ok(name !== "" || (segment === "" && read.endsWith("/")), read);
          }
        }
      },
    ),
    { numRuns: 20_000 },
  );
  assert.ok(passed > 500, `only ${passed} paths got through: the test would show nothing`);
});

/** A path as servers read it: decoded up to three times, compatibility forms folded or not. */
function readings(path: string): string[] {
  const read = [path];
  for (let round = 0; round < 3; round++) {
    const decoded = read.at(-1)!.replace(/(?:%[0-9a-f]{2})+/gi, (run) => decodeURIComponent(run));
    read.push(decoded);
  }
  return read.flatMap((text) => [text, text.normalize("NFKC")]);
}
