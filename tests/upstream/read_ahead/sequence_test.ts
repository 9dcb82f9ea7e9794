import assert from "node:assert/strict";
import { Sequence } from "../../../src/upstream/read_ahead/sequence.ts";

const LISTED = ["c", "a", "e", "b", "d"];
const BY_NUMBER = ["a", "b", "c", "d", "e"];
const SINGLE = () => 1;

/** `uid` or `uid/frame`. */
function place(text: string) {
  const [uid, frame] = text.split("/");
  return { uid: uid!, frame: frame === undefined ? undefined : Number(frame) };
}

interface Case {
  readonly asked: string;
  readonly orders?: readonly (readonly string[])[];
  readonly frames?: (uid: string) => number;
  readonly follows: string;
}

const CASES: Readonly<Record<string, Case>> = {
  "the numbers' order, if one request shows none": { asked: "b", follows: "c d e a" },
  "forward": { asked: "a b", follows: "c d e" + " a" },
  "backward": { asked: "d c", follows: "b a d e" },
  "from the end to the beginning": { asked: "d e", follows: "d c b a" },
  "the store's own order, if requests follow it": { asked: "c a e", follows: "b d a c" },
  "forward, if six connections shuffle the requests": {
    asked: "b a c",
    follows: "d e b a",
  },
  "nothing of what is not listed": { asked: "x y", follows: "" },
  "nothing without an order": { asked: "a b", orders: [], follows: "" },
  "the next frames, then the next instance": {
    asked: "a/1 a/2",
    frames: (uid) => uid === "a" ? 4 : 2,
    orders: [["a", "b"]],
    follows: "a/3 a/4 b/1 b/2 a/1",
  },
  "frames backward": {
    asked: "b/2 b/1",
    frames: () => 2,
    orders: [["a", "b"]],
    follows: "a/2 a/1 b/2",
  },
};

for (
  const [what, { asked, orders = [BY_NUMBER, LISTED], frames = SINGLE, follows }] of Object.entries(
    CASES,
  )
) {
  Deno.test(`Sequence: after ${asked} follows ${what}`, () => {
    const sequence = new Sequence();
    for (const each of asked.split(" ")) sequence.note(place(each));
    const next = [...sequence.following({ orders, framesOf: frames })]
      .map(({ uid, frame }) => frame === undefined ? uid : `${uid}/${frame}`);
    assert.equal(next.join(" "), follows);
  });
}
