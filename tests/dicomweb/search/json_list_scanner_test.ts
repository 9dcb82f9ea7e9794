import assert from "node:assert/strict";
import { JsonListError, JsonListScanner } from "../../../src/dicomweb/search/json_list_scanner.ts";
import { JsonListWriter } from "../../../src/dicomweb/search/json_list_writer.ts";
import { decodeLatin1, encodeLatin1 } from "../../../src/dicomweb/latin1.ts";

/** Reads a text in pieces of a size. */
function read(text: string, size: number): { elements: string[]; isComplete: boolean } {
  const scanner = new JsonListScanner(1000);
  const bytes = encodeLatin1(text);
  const elements: string[] = [];
  for (let at = 0; at < bytes.length; at += size) {
    elements.push(...scanner.push(bytes.subarray(at, at + size)).map(decodeLatin1));
  }
  return { elements, isComplete: scanner.isComplete };
}

const LISTS: readonly [text: string, elements: string[]][] = [
  ["[]", []],
  [" [\n] \t", []],
  ['[{"a":1}]', ['{"a":1}']],
  [' [ {"a":"]["} , {"b":[{}]}\r\n]', ['{"a":"]["}', '{"b":[{}]}']],
  ['[{"a":"\\"}"},{"b":"\\\\"},{}]', ['{"a":"\\"}"}', '{"b":"\\\\"}', "{}"]],
  // Not UTF-8: names in ISO 8859-1 and ISO 2022 go through byte for byte.
  ['[{"n":"M\xfcller^\xff"},{"n":"\x1b$B;3\x1b(J"}]', [
    '{"n":"M\xfcller^\xff"}',
    '{"n":"\x1b$B;3\x1b(J"}',
  ]],
  ['\xef\xbb\xbf[{"a":1}]', ['{"a":1}']],
];

for (const [text, elements] of LISTS) {
  Deno.test(`JsonListScanner: ${JSON.stringify(text)} in pieces of every size, and cut anywhere`, () => {
    for (let size = 1; size <= text.length; size++) {
      assert.deepEqual(read(text, size), { elements, isComplete: true });
    }
    const end = text.lastIndexOf("]");
    for (let cut = 0; cut <= end; cut++) {
      assert.equal(read(text.slice(0, cut), 3).isComplete, false, `cut at ${cut}`);
    }
  });
}

const NO_LISTS = [
  "{}",
  "null",
  "[1]",
  '["a"]',
  "[[]]",
  "<html>",
  "[{} {}]",
  "[,{}]",
  "[{},]",
  "[{}]]",
  "[]x",
];

for (const text of NO_LISTS) {
  Deno.test(`JsonListScanner: ${text} is no list of objects`, () => {
    for (const size of [1, text.length]) assert.throws(() => read(text, size), JsonListError);
  });
}

Deno.test("JsonListScanner: an element without end is rejected when it is too long", () => {
  assert.throws(() => read(`[{"a":"${"x".repeat(1000)}`, 10), JsonListError);
  assert.throws(() => read(`[{"a":"${"x".repeat(1000)}"}]`, 10_000), JsonListError);
});

Deno.test("JsonListWriter: writes what was read, in any number of takes", () => {
  for (const count of [0, 1, 3]) {
    const elements = Array.from(
      { length: count },
      (_, n) => `{"n":"${"\xff".repeat(n * 60_000)}"}`,
    );
    for (const takesEach of [false, true]) {
      const writer = new JsonListWriter();
      let text = "";
      for (const element of elements) {
        writer.add(encodeLatin1(element));
        if (takesEach) text += decodeLatin1(writer.take(false));
      }
      text += decodeLatin1(writer.take(true));
      assert.equal(text, `[${elements.join(",")}]`);
    }
  }
});
