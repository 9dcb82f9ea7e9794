import assert from "node:assert/strict";
import { HeaderFields, headerList } from "../../src/network/header_fields.ts";

const REFUSED: [name: string, value: string][] = [
  ["x", "1\r\nhost: other"],
  ["x", "1\nhost: other"],
  ["x", "a\0b"],
  ["x", "\u0100"],
  ["x y", "1"],
  ["", "1"],
  ["x\r\ny", "1"],
  ["x:", "1"],
  ["set-cookie", "a=b"],
];

for (const [name, value] of REFUSED) {
  const field = JSON.stringify([name, value]);
  Deno.test(`HeaderFields refuses ${field}, and names no value`, () => {
    for (const write of ["set", "append"] as const) {
      assert.throws(() => new HeaderFields()[write](name, value), (error: Error) => {
        return error instanceof TypeError && !error.message.includes("host: other");
      });
    }
    assert.throws(() => new HeaderFields([[name, value]]), TypeError);
  });
}

Deno.test("HeaderFields agrees with Headers", () => {
  const fields = new HeaderFields([["Accept", " a/b\t"], ["X-A", "1"]]);
  const headers = new Headers([["Accept", " a/b\t"], ["X-A", "1"]]);
  for (const each of [fields, headers]) {
    each.append("ACCEPT", "c/d ");
    each.set("X-b", "");
    each.append("x-c", "\u00e9");
    each.delete("X-A");
    each.delete("absent");
  }
  assert.deepEqual(headerList(fields), headerList(headers));
  assert.deepEqual([...fields], [...headers]);
  assert.deepEqual([...fields.keys()], [...headers.keys()]);
  assert.deepEqual([...fields.values()], [...headers.values()]);
  assert.deepEqual([...new Headers(fields)], [...headers]);
  assert.deepEqual([fields.get("Accept"), fields.has("ACCEPT")], ["a/b, c/d", true]);
  assert.deepEqual([fields.get("x-a"), fields.has("x-a")], [null, false]);
});

Deno.test("HeaderFields.received joins repeated fields and drops Set-Cookie", () => {
  const fields = HeaderFields.received([["vary", "a"], ["set-cookie", "c=1"], ["vary", "b"]]);
  assert.deepEqual(fields.list(), [["vary", "a, b"]]);
});
