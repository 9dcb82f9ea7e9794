/** A short round of `deno task fuzz`, and a proof that it notices a fault. */
import assert from "node:assert/strict";
import { corpusOf, fuzz, TARGETS } from "./campaign.ts";
import { Dice, mutate } from "./mutation.ts";

const SEED = 20_261_124;
const INPUTS = 300;

for (const target of TARGETS) {
  Deno.test(`fuzz ${target.name}: ${INPUTS} inputs without a failure`, async () => {
    const { inputs, finding } = await fuzz(target, SEED, (done) => done < INPUTS);
    assert.equal(finding?.error, undefined);
    assert.equal(inputs, INPUTS);
  });
}

Deno.test("fuzz: a fault is found, and the same seed derives the same inputs", async () => {
  const [target] = TARGETS;
  const run = (input: Uint8Array) => assert(!input.includes(0x25), "there is a percent sign");
  const campaign = () => fuzz({ ...target!, run }, SEED, (done) => done < 5_000);
  const { finding } = await campaign();
  assert(finding?.input.includes(0x25));
  assert.deepEqual((await campaign()).finding?.input, finding?.input);
  const [one, other] = [SEED, SEED + 1].map((seed) =>
    mutate(corpusOf(target!), target!.words, new Dice(seed))
  );
  assert.notDeepEqual(one, other);
});
