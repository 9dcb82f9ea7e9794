import assert from "node:assert/strict";
import fc from "fast-check";
import {
  DICOM_JSON_PLACES,
  VENDOR_JSON_PLACES,
} from "../../../src/dicomweb/urls/json_url_places.ts";
import {
  JsonUrlRewriter,
  type JsonUrlRewriterOptions,
  MAX_URL_BYTES,
} from "../../../src/dicomweb/urls/json_url_rewriter.ts";
import { rewriteBody } from "../../../src/dicomweb/urls/byte_rewriter.ts";
import { createUrlMap } from "../../../src/dicomweb/urls/url_map.ts";
import { cuts, rewriteByteByByte, rewriteCut } from "../cut_bytes.ts";

const STORE = "https://store.example/v2";
const GATEWAY = "https://gateway.example/dicom-web/main";
const { toGateway } = createUrlMap({ storeBase: STORE, gatewayBase: GATEWAY });

function encode(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

function rewrite(json: string, options: JsonUrlRewriterOptions = {}): string {
  const make = () => new JsonUrlRewriter(toGateway, options);
  const whole = new TextDecoder().decode(rewriteCut(make(), encode(json)));
  const bytes = new TextDecoder().decode(rewriteByteByByte(make(), encode(json)));
  assert.equal(bytes, whole, "cut at every byte");
  return whole;
}

const A = `${STORE}/a`;
const B = `${GATEWAY}/a`;

/** Texts, and what they become; unchanged by default. */
const rows: [why: string, json: string, expected?: string][] = [
  ["bulk data", `{"vr":"OW","BulkDataURI":"${A}"}`, `{"vr":"OW","BulkDataURI":"${B}"}`],
  ["white space kept", `{ "BulkDataURI"\r\n\t : "${A}" }`, `{ "BulkDataURI"\r\n\t : "${B}" }`],
  ["rooted", `{"BulkDataURI":"/v2/a"}`, `{"BulkDataURI":"${B}"}`],
  [
    "escaped slashes",
    `{"BulkDataURI":"https:\\/\\/store.example\\/v2\\/a"}`,
    `{"BulkDataURI":"${B}"}`,
  ],
  ["slashes as code points", `{"BulkDataURI":"\\u002fv2\\u002Fa"}`, `{"BulkDataURI":"${B}"}`],
  [
    "escapes behind the base",
    `{"BulkDataURI":"${A}\\/b?c=\\"\\u00fc"}`,
    `{"BulkDataURI":"${B}/b?c=%22%C3%BC"}`,
  ],
  ["other characters", `{"BulkDataURI":"${A}?n=ü"}`, `{"BulkDataURI":"${B}?n=%C3%BC"}`],
  ["dot segments that leave the base", `{"BulkDataURI":"${STORE}/../b"}`],
  ["the base itself", `{"BulkDataURI":"${STORE}"}`, `{"BulkDataURI":"${GATEWAY}"}`],
  ["a path that only begins like the base", `{"BulkDataURI":"${STORE}x/a"}`],
  ["the gateway's own", `{"BulkDataURI":"${B}"}`],
  ["elsewhere", `{"BulkDataURI":"https://elsewhere.example/v2/a"}`],
  [
    "retrieve URL",
    `{"00081190":{"vr":"UR","Value":["${A}"]}}`,
    `{"00081190":{"vr":"UR","Value":["${B}"]}}`,
  ],
  [
    "Value before vr (Orthanc)",
    `{"00081190":{"Value":["${A}"],"vr":"UR"}}`,
    `{"00081190":{"Value":["${B}"],"vr":"UR"}}`,
  ],
  [
    "VR of old (CP-1324)",
    `{"00081190":{"vr":"UT","Value":["${A}"]}}`,
    `{"00081190":{"vr":"UT","Value":["${B}"]}}`,
  ],
  [
    "retrieve URI",
    `{"0040E010":{"vr":"UR","Value":["${A}"]}}`,
    `{"0040E010":{"vr":"UR","Value":["${B}"]}}`,
  ],
  [
    "pixel data provider",
    `{"00287FE0":{"vr":"UR","Value":["${A}"]}}`,
    `{"00287FE0":{"vr":"UR","Value":["${B}"]}}`,
  ],
  ["contact URI", `{"0074100A":{"vr":"UR","Value":["${A}"]}}`],
  [
    "white space in lists",
    `{"00081190":\n{ "Value" : [\n"${A}" , null,"${A}" ] }}`,
    `{"00081190":\n{ "Value" : [\n"${B}" , null,"${B}" ] }}`,
  ],
  [
    "a retrieve URL kept as bulk data",
    `{"00081190":{"vr":"UR","BulkDataURI":"${A}"}}`,
    `{"00081190":{"vr":"UR","BulkDataURI":"${B}"}}`,
  ],
  [
    "empty attributes",
    `{"00081190":{},"00081199":{"vr":"SQ"},"00081190":{"vr":"UR","Value":[]},"BulkDataURI":"${A}"}`,
    `{"00081190":{},"00081199":{"vr":"SQ"},"00081190":{"vr":"UR","Value":[]},"BulkDataURI":"${B}"}`,
  ],
  [
    "STOW answer (PS3.18, 10.5.3)",
    `{"00081190":{"vr":"UR","Value":["${A}"]},"00081199":{"vr":"SQ","Value":[{"00081190":{"vr":"UR","Value":["${A}"]}},{"00081190":{"vr":"UR","Value":["${A}"]}}]}}`,
    `{"00081190":{"vr":"UR","Value":["${B}"]},"00081199":{"vr":"SQ","Value":[{"00081190":{"vr":"UR","Value":["${B}"]}},{"00081190":{"vr":"UR","Value":["${B}"]}}]}}`,
  ],
  [
    "any depth",
    `[[[{"x":{"y":[{"BulkDataURI":"${A}"}]}}]]]`,
    `[[[{"x":{"y":[{"BulkDataURI":"${B}"}]}}]]]`,
  ],
  ["only a text", `"${A}"`],
  ["a comment that is the store's URL", `{"00104000":{"vr":"LT","Value":["${A}"]}}`],
  [
    "a comment that reads like bulk data",
    `{"00104000":{"vr":"LT","Value":["\\"BulkDataURI\\":\\"${A}\\""]}}`,
  ],
  ["a comment that ends like a name", `{"00104000":{"vr":"LT","Value":["\\"BulkDataURI","${A}"]}}`],
  [
    "a comment that ends like a name, then a name",
    `["\\"BulkDataURI",{"BulkDataURI":"${A}"}]`,
    `["\\"BulkDataURI",{"BulkDataURI":"${B}"}]`,
  ],
  ["a name that ends like another", `{"\\"BulkDataURI":"${A}"}`],
  [
    "a name behind a backslash",
    `{"\\\\":1,"BulkDataURI":"${A}"}`,
    `{"\\\\":1,"BulkDataURI":"${B}"}`,
  ],
  ["a name as a value", `{"a":"BulkDataURI","b":"${A}"}`],
  ["a name as an item", `["BulkDataURI","${A}"]`],
  ["a longer name", `{"xBulkDataURI":"${A}","BulkDataURIs":"${A}","000811900":{"Value":["${A}"]}}`],
  ["names differ in case", `{"bulkDataURI":"${A}","BulkDataUri":"${A}"}`],
  [
    "bulk data that is no string",
    `{"BulkDataURI":["${A}"],"BulkDataURI":{"a":"${A}"},"BulkDataURI":5}`,
  ],
  ["an attribute that is no object", `{"00081190":["${A}"],"00081190":"${A}"}`],
  [
    "other members of an attribute",
    `{"00081190":{"vr":"${A}","x":"${A}","Value":["${A}"]}}`,
    `{"00081190":{"vr":"${A}","x":"${A}","Value":["${B}"]}}`,
  ],
  ["Value of other attributes", `{"00081190":{"vr":"UR"},"0":{"Value":["${A}"]}}`],
  [
    "an attribute in an attribute",
    `{"00081190":{"00081190":{"Value":["${A}"]}}}`,
    `{"00081190":{"00081190":{"Value":["${B}"]}}}`,
  ],
  ["href is no name of DICOM's", `{"href":"${A}","resources":["${A}"]}`],
  ["cut off in a URL", `{"BulkDataURI":"${A}`],
  ["cut off in a name", `{"BulkData`],
  ["cut off before a value", `{"BulkDataURI":`],
  ["invalid escapes in a URL", `{"BulkDataURI":"/v2/\\x"}`],
  ["nothing", ""],
];

for (const [why, json, expected = json] of rows) {
  Deno.test(`JsonUrlRewriter: ${why}`, () => {
    assert.equal(rewrite(json, { resource: "/studies/1/metadata" }), expected);
  });
}

Deno.test("JsonUrlRewriter translates a relative reference that leaves the base", () => {
  const json = '{"BulkDataURI":"../../../v2/a","0040E010":{"Value":["../b"]}}';
  assert.equal(rewrite(json), json);
  assert.equal(
    rewrite(json, { resource: "/studies/1/metadata" }),
    `{"BulkDataURI":"${B}","0040E010":{"Value":["../b"]}}`,
  );
});

Deno.test("JsonUrlRewriter translates the URLs of Azure's operations if configured", () => {
  const operation = (base: string) =>
    JSON.stringify([
      { errors: { count: 21, href: `${base}/extendedquerytags/00101010/errors` } },
      { operation: { id: "1a5d", href: `${base}/operations/1a5d` }, status: "Adding" },
      { resources: [`${base}/extendedquerytags/00101010`, `${base}/a`], type: "Reindex" },
      { metadata: { "00081190": { vr: "UR", Value: [`${base}/studies/1`] } } },
    ]);
  assert.equal(rewrite(operation(STORE), { places: VENDOR_JSON_PLACES }), operation(GATEWAY));
});

Deno.test("JsonUrlRewriter does not change a text in UTF-16", () => {
  const json = `{"BulkDataURI":"${A}"}`;
  const utf16 = new Uint8Array(new Uint16Array(Array.from(json, (c) => c.charCodeAt(0))).buffer);
  assert.deepEqual(rewriteCut(new JsonUrlRewriter(toGateway), utf16), utf16);
});

Deno.test("JsonUrlRewriter translates URLs up to its bound, however they are cut", () => {
  for (const excess of [-1, 0, 1]) {
    const padding = "x".repeat(MAX_URL_BYTES - `"${STORE}/"`.length + excess);
    const json = (base: string) => `{"BulkDataURI":"${base}/${padding}","BulkDataURI":"${base}/a"}`;
    const expected = excess > 0
      ? json(STORE).replace(`"${STORE}/a"`, `"${GATEWAY}/a"`)
      : json(GATEWAY);
    for (let cut = 0.0005; cut < 1; cut += 0.05) {
      const output = rewriteCut(new JsonUrlRewriter(toGateway), encode(json(STORE)), [cut, 0.999]);
      assert.equal(new TextDecoder().decode(output), expected, `excess ${excess}, cut at ${cut}`);
    }
  }
});

Deno.test("JsonUrlRewriter holds back no more than a URL and white space not at all", () => {
  const rewriter = new JsonUrlRewriter(toGateway);
  const output = { length: 0, write: (bytes: Uint8Array) => void (output.length += bytes.length) };
  let given = 0;
  let held = 0;
  const give = (text: string) => {
    const chunk = encode(text);
    rewriter.push(chunk, output as never);
    held = Math.max(held, (given += chunk.length) - output.length);
  };
  give('{"BulkDataURI":');
  for (let i = 0; i < 100; i++) give(" ".repeat(1000));
  assert.equal(held, 0);
  give(`${" ".repeat(1000)}"`);
  assert.equal(held, 1);
  for (let i = 0; i < 100; i++) give("x".repeat(1000));
  assert.ok(held > 10_000 && held <= MAX_URL_BYTES, `${held} bytes`);
  assert.equal(given, output.length);
});

Deno.test("rewriteBody fails when the source of the body fails", async () => {
  const rewriter = () => new JsonUrlRewriter(toGateway);
  const output = await rewriteBody(new Response(`[{"BulkDataURI":"${A}"}]`), rewriter());
  assert.equal(await new Response(output).text(), `[{"BulkDataURI":"${B}"}]`);
  const broken = new ReadableStream<Uint8Array<ArrayBuffer>>({
    pull: (controller) => controller.error(new Error("connection reset")),
  });
  await assert.rejects(rewriteBody(new Response(broken), rewriter()), /connection reset/);
});

/** The slow and obviously correct way: parse, walk, translate. */
function translateParsed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(translateParsed);
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [name, translateMember(name, member)]),
  );
}

function translateMember(name: string, member: unknown): unknown {
  if (name === "BulkDataURI" && typeof member === "string") return toGateway.translate(member);
  const isAttribute = DICOM_JSON_PLACES.kinds.get(name) === "attribute" && isObject(member);
  return isAttribute ? translateAttribute(member) : translateParsed(member);
}

/** An attribute counts as one up to where it stops looking like DICOM JSON. */
function translateAttribute(attribute: Record<string, unknown>): unknown {
  let isIntact = true;
  const translateItem = (item: unknown) => {
    if (typeof item === "string") return isIntact ? toGateway.translate(item) : item;
    if (isObject(item) || Array.isArray(item)) isIntact = false;
    return translateParsed(item);
  };
  return Object.fromEntries(
    Object.entries(attribute).map(([name, member]) => {
      if (isIntact && name === "Value" && Array.isArray(member)) {
        return [name, member.map(translateItem)];
      }
      if (typeof member !== "string") isIntact = false;
      return [name, translateMember(name, member)];
    }),
  );
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

const space = fc.constantFrom("", "", "", " ", "\n  ", "\t\r\n");

/** Characters as a serialiser may spell them. */
function spell(text: string): fc.Arbitrary<string> {
  const spellings = Array.from(text, (char) => {
    const code = `\\u${char.codePointAt(0)!.toString(16).padStart(4, "0")}`;
    if (char === "/") {
      return fc.constantFrom("/", "/", "\\/", code, code.toUpperCase().replace("U", "u"));
    }
    if (char === '"' || char === "\\") return fc.constantFrom(`\\${char}`, code);
    return fc.oneof({ weight: 50, arbitrary: fc.constant(char) }, {
      weight: 1,
      arbitrary: fc.constant(code),
    });
  });
  return fc.tuple(...spellings).map((chars) => `"${chars.join("")}"`);
}

const word = fc.constantFrom(
  "BulkDataURI",
  '"BulkDataURI":"',
  '"00081190":{"Value":["',
  '"BulkDataURI',
  "\\",
  '\\"',
  "ü",
  "漢字",
  "{",
  "}],:",
  "/v2/a",
  `${STORE}/a`,
);
const anyText = fc.array(word, { maxLength: 4 }).map((words) => words.join(""));
const anyUrl = fc.tuple(
  fc.constantFrom(
    `${STORE}/`,
    STORE,
    "/v2/",
    "http://store.example/v2/",
    "../",
    "https://else.test/",
    `${GATEWAY}/`,
    "",
  ),
  fc.constantFrom("", "studies/1.2", "a?b=c", "a/../b", ".", "ü", "'", "%2f"),
).map(([base, path]) => base + path);
const anyString = fc.oneof(anyText, anyUrl).chain(spell);
const literal = fc.constantFrom("null", "true", "-1.5e+3", "0");

function list(items: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return fc.tuple(
    space,
    fc.array(fc.tuple(space, items, space).map((all) => all.join("")), { maxLength: 3 }),
  )
    .map(([before, all]) => `[${all.length === 0 ? before : all.join(",")}]`);
}

/** An object of some members, each name once. */
function object(members: fc.Arbitrary<[name: string, value: string]>): fc.Arbitrary<string> {
  const spaced = fc.tuple(members, space, space, space, space);
  return fc.uniqueArray(spaced, { maxLength: 5, selector: ([[name]]) => name }).map((all) => {
    const texts = all.map(([[name, value], a, b, c, d]) => `${a}"${name}"${b}:${c}${value}${d}`);
    return `{${texts.join(",")}}`;
  });
}

function member(
  names: readonly string[],
  value: fc.Arbitrary<string>,
): fc.Arbitrary<[string, string]> {
  return fc.tuple(fc.constantFrom(...names), value);
}

const { dataset } = fc.letrec<{ dataset: string; value: string; attribute: string }>((tie) => ({
  dataset: object(fc.oneof(
    { depthSize: "small" },
    member(["00104000", "00100010", 'x\\"BulkDataURI', "\\\\", "Value"], tie("value")),
    member(
      ["BulkDataURI"],
      fc.oneof({ weight: 5, arbitrary: anyString }, {
        weight: 1,
        arbitrary: tie("value"),
      }),
    ),
    member(
      ["00081190", "0040E010", "00287FE0"],
      fc.oneof({
        weight: 5,
        arbitrary: tie("attribute"),
      }, { weight: 1, arbitrary: tie("value") }),
    ),
    member(["00081199", "7FE00010"], object(member(["Value", "BulkDataURI"], tie("value")))),
  )),
  attribute: object(fc.oneof(
    member(
      ["vr", "x"],
      fc.oneof({ weight: 5, arbitrary: anyString }, {
        weight: 1,
        arbitrary: tie("value"),
      }),
    ),
    member(
      ["Value"],
      fc.oneof(
        { weight: 5, arbitrary: list(fc.oneof(anyString, literal)) },
        { weight: 1, arbitrary: list(tie("value")) },
        { weight: 1, arbitrary: tie("value") },
      ),
    ),
    member(["BulkDataURI"], anyString),
    member(["00081190"], tie("value")),
  )),
  value: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    anyString,
    literal,
    list(tie("value")),
    tie("dataset"),
  ),
}));
const document = list(dataset);

Deno.test("JsonUrlRewriter returns the same bytes however the text is cut", () => {
  fc.assert(
    fc.property(document, cuts, (json, positions) => {
      const input = encode(json);
      const whole = rewriteCut(new JsonUrlRewriter(toGateway), input);
      assert.deepEqual(rewriteCut(new JsonUrlRewriter(toGateway), input, positions), whole);
    }),
    { numRuns: 1000 },
  );
});

Deno.test("JsonUrlRewriter returns what parsing, translating and serializing would", () => {
  let changed = 0;
  fc.assert(
    fc.property(document, (json) => {
      const output = new TextDecoder().decode(
        rewriteCut(new JsonUrlRewriter(toGateway), encode(json)),
      );
      assert.deepEqual(JSON.parse(output), translateParsed(JSON.parse(json)));
      if (output !== json) changed++;
    }),
    { numRuns: 1000 },
  );
  assert.ok(changed > 300, `only ${changed} of the texts had URLs to translate`);
});

Deno.test("JsonUrlRewriter changes no byte where there is nothing to translate", () => {
  const elsewhere = createUrlMap({ storeBase: "https://other.example/q", gatewayBase: GATEWAY });
  fc.assert(fc.property(document, cuts, (json, positions) => {
    const input = encode(json);
    const rewriter = new JsonUrlRewriter(elsewhere.toGateway);
    assert.deepEqual(rewriteCut(rewriter, input, positions), input);
  }));
});
