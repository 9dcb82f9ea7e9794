import assert from "node:assert/strict";
import { ByteSink } from "../../../src/dicomweb/urls/byte_rewriter.ts";
import { bytes, text } from "../bytes.ts";

Deno.test("ByteSink returns contiguous pieces without copying them", () => {
  const sink = new ByteSink();
  const all = bytes("abcdef");
  sink.write(all.subarray(0, 2));
  sink.write(all.subarray(2, 2));
  sink.write(all.subarray(2, 5));
  const taken = sink.take();
  assert.equal(taken?.buffer, all.buffer);
  assert.equal(text(taken), "abcde");
});

Deno.test("ByteSink joins separate pieces in order", () => {
  const sink = new ByteSink();
  const all = bytes("abcdef");
  for (const piece of [all.subarray(3), bytes("-"), all.subarray(0, 2), all.subarray(4)]) {
    sink.write(piece);
  }
  assert.equal(text(sink.take()!), "def-abef");
});

Deno.test("ByteSink returns each piece once, then undefined", () => {
  const sink = new ByteSink();
  assert.equal(sink.take(), undefined);
  sink.write(bytes("a"));
  assert.equal(text(sink.take()!), "a");
  assert.equal(sink.take(), undefined);
});
