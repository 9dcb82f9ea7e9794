/**
 * What a retrieval by instance fetches ahead of its client.
 */
import assert from "node:assert/strict";
import { FetchQueue } from "../../src/upstream/fetch_queue.ts";
import { someMemory } from "../fixtures/holding_room.ts";

const ALL = ["1", "2", "3"].map((instance) => ({ series: "1.2", instance }));

Deno.test("FetchQueue: an instance that breaks off before it is sent is fetched again at the end", async () => {
  const memory = someMemory();
  const before = memory.left;
  const tries: string[] = [];
  const queue = new FetchQueue(
    ALL,
    { concurrency: 3, memory, signal: new AbortController().signal },
    ({ instance }) => {
      tries.push(instance);
      const breaksOff = instance === "2" && tries.length <= ALL.length;
      const body = ReadableStream.from((async function* () {
        await Promise.resolve();
        yield new TextEncoder().encode(instance);
        if (breaksOff) throw new Error("cut");
      })());
      return Promise.resolve({ headers: {}, body });
    },
  );
  const received: string[] = [];
  for (let part = await queue.next(); part; part = await queue.next()) {
    received.push(await new Response(part.body as ReadableStream).text());
  }
  assert.deepEqual(received, ["1", "3", "2"]);
  assert.deepEqual(tries, ["1", "2", "3", "2"]);
  assert.equal(memory.left, before);
});
