/**
 * How bodies are held in memory.
 */
import assert from "node:assert/strict";
import { joinBytes } from "../../src/dicomweb/bytes.ts";
import { HeldBody } from "../../src/upstream/held_body.ts";
import { roomInMemory } from "../fixtures/holding_room.ts";
import { seededBytes } from "../fixtures/seeded_bytes.ts";

Deno.test("HeldBody: small pieces do not take more memory than their bytes", async () => {
  const room = roomInMemory();
  const before = room.memory.left;
  const held = new HeldBody(room, () => {});
  const all = seededBytes(1, 200_000);
  for (let at = 0; at < all.length; at += 3) held.write(all.slice(at, at + 3));
  held.endInstance();
  held.end(new Uint8Array());
  const toSend = held.toSend();
  assert.ok("kept" in toSend);
  const pieces: Uint8Array[] = [];
  for await (const piece of (toSend.kept.open() as Blob).stream()) pieces.push(piece);
  assert.deepEqual(joinBytes(pieces), all);
  // Chunks have an overhead of some 250 bytes each.
  assert.ok(pieces.length < all.length / 100, String(pieces.length));
  held.abandon();
  assert.equal(room.memory.left, before);
});
