/**
 * The memory of bodies that one client follows.
 */
import assert from "node:assert/strict";
import { SharedBody } from "../../../src/upstream/read_ahead/shared_body.ts";

const PIECE = new Uint8Array(1000);

/** What happens to a body of which the store has sent a piece that the client has not read. */
const ENDS: Record<
  string,
  (store: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>>, body: SharedBody) => void
> = {
  "the store cuts it": (store) => store.error(new Error("cut")),
  "it is outdated, and ends": (store, body) => {
    body.unkeep();
    store.close();
  },
};

for (const [what, happen] of Object.entries(ENDS)) {
  for (const how of ["cancels the body", "goes"]) {
    Deno.test(`SharedBody gives all memory back if ${what}, and the client ${how}`, async () => {
      let taken = 0;
      const store = Promise.withResolvers<
        ReadableStreamDefaultController<Uint8Array<ArrayBuffer>>
      >();
      const body = new SharedBody(new ReadableStream({ start: store.resolve }), {
        take: (bytes) => (taken += bytes, true),
        give: (bytes) => taken -= bytes,
        length: undefined,
        maxBytes: 1_000_000,
      });
      const client = new AbortController();
      const followed = body.follow(client.signal, () => {});
      const sending = await store.promise;
      sending.enqueue(PIECE);
      await new Promise((resolve) => setTimeout(resolve));
      assert.ok(taken >= PIECE.length);
      happen(sending, body);
      await body.over;
      if (how === "goes") client.abort();
      else await followed.cancel();
      assert.equal(taken, 0);
    });
  }
}
