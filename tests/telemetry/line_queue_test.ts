import assert from "node:assert/strict";
import { LineQueue } from "../../src/telemetry/line_queue.ts";

/** A reader that can stall or close. */
class Reader {
  readonly read: string[] = [];
  readonly losses: number[] = [];
  isOpen = true;
  isBroken = false;
  #go = Promise.withResolvers<void>();

  queue(maxCharacters: number): LineQueue {
    const queue = new LineQueue({
      maxCharacters,
      write: async (bytes) => {
        if (this.isBroken) throw new Deno.errors.BrokenPipe("Broken pipe (os error 32)");
        if (!this.isOpen) await this.#go.promise;
        this.read.push(...new TextDecoder().decode(bytes).split("\n").slice(0, -1));
      },
      dropped: (lines) => {
        this.losses.push(lines);
        queue.push(`${lines} dropped\n`);
      },
    });
    return queue;
  }

  resume(): void {
    this.isOpen = true;
    this.#go.resolve();
  }
}

const lineOf = (number: number) => `line ${String(number).padStart(4, "0")}\n`;

Deno.test("LineQueue: lines are written whole and in order", async () => {
  const reader = new Reader();
  const queue = reader.queue(1_000);
  for (let i = 0; i < 50; i++) queue.push(lineOf(i));
  assert.equal(await queue.flush(1_000), true);
  assert.deepEqual(reader.read, Array.from({ length: 50 }, (_, i) => lineOf(i).trimEnd()));
  assert.deepEqual([queue.lost, reader.losses], [0, []]);
});

Deno.test("LineQueue: beyond its bound, lines are discarded and counted, and the loss is reported in place", async () => {
  const reader = new Reader();
  reader.isOpen = false;
  const queue = reader.queue(100);
  for (let i = 0; i < 10_000; i++) queue.push(lineOf(i));
  assert.equal(await queue.flush(5), false);
  assert.equal(queue.lost, 9_990);
  reader.resume();
  assert.equal(await queue.flush(1_000), true);
  queue.push(lineOf(10_000));
  await queue.flush(1_000);
  assert.deepEqual(reader.read, [
    ...Array.from({ length: 10 }, (_, i) => lineOf(i).trimEnd()),
    "9990 dropped",
    "line 10000",
  ]);
  assert.deepEqual([queue.lost, reader.losses], [9_990, [9_990]]);
});

Deno.test("LineQueue: lines discarded during a slow write are reported once, in full", async () => {
  const reader = new Reader();
  reader.isOpen = false;
  const queue = reader.queue(100);
  queue.push(lineOf(0));
  assert.equal(await queue.flush(5), false);
  for (let i = 1; i < 10_000; i++) queue.push(lineOf(i));
  reader.resume();
  assert.equal(await queue.flush(1_000), true);
  assert.deepEqual(reader.read, [
    ...Array.from({ length: 10 }, (_, i) => lineOf(i).trimEnd()),
    "9990 dropped",
  ]);
  assert.deepEqual([queue.lost, reader.losses], [9_990, [9_990]]);
});

Deno.test("LineQueue: a line longer than the bound is written if the queue is empty", async () => {
  const reader = new Reader();
  const queue = reader.queue(4);
  queue.push("much longer\n");
  await queue.flush(1_000);
  assert.deepEqual(reader.read, ["much longer"]);
});

Deno.test("LineQueue: a closed reader stops nothing, and the next one gets a report of the loss", async () => {
  const reader = new Reader();
  reader.isBroken = true;
  const queue = reader.queue(1_000);
  for (let i = 0; i < 3; i++) {
    queue.push(lineOf(i));
    assert.equal(await queue.flush(1_000), true);
  }
  assert.deepEqual([queue.lost, reader.losses], [3, []]);
  reader.isBroken = false;
  queue.push(lineOf(3));
  await queue.flush(1_000);
  assert.deepEqual(reader.read, ["line 0003", "3 dropped"]);
});
