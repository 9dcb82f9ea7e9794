/**
 * Searches for inputs that break something: `deno task fuzz [--seed N] [--minutes N] [--target
 * NAME] [--input FILE]`.
 *
 * Each round runs every target on some thousands of inputs with a seed of its own. A failing input
 * is written to a file; `--target` and `--input` repeat it.
 */
import { parseArgs } from "node:util";
import { type Finding, fuzz, TARGETS, tryInput } from "./campaign.ts";

const INPUTS_A_ROUND = 2_000;

const { values: flags } = parseArgs({
  args: Deno.args,
  options: {
    seed: { type: "string", default: `${Date.now() % 1e9}` },
    minutes: { type: "string", default: "10" },
    target: { type: "string" },
    input: { type: "string" },
  },
});
const targets = TARGETS.filter(({ name }) => flags.target === undefined || name === flags.target);
if (targets.length === 0) {
  say(
    `There is no target ${flags.target}; there are ${TARGETS.map(({ name }) => name).join(", ")}`,
  );
  Deno.exit(64);
}

if (flags.input !== undefined) {
  const input = await Deno.readFile(flags.input);
  for (const target of targets) report(await tryInput(target, input));
  say("Everything holds for this input");
  Deno.exit(0);
}

const seed = Number(flags.seed);
const untilMs = performance.now() + Number(flags.minutes) * 60_000;
const counts = new Map(targets.map(({ name }) => [name, 0]));
let rounds = 0;
for (; rounds === 0 || performance.now() < untilMs; rounds++) {
  for (const target of targets) {
    const { inputs, finding } = await fuzz(target, seed + rounds, (done) => done < INPUTS_A_ROUND);
    counts.set(target.name, counts.get(target.name)! + inputs);
    report(finding, seed + rounds);
  }
}
for (const [name, count] of counts) say(`${name}: ${count} inputs`);
say(`No finding in ${rounds} rounds, seeds ${seed} to ${seed + rounds - 1}`);

/** Writes a failure to a file, prints how to repeat it, and exits. */
function report(finding: Finding | undefined, seed?: number): void {
  if (finding === undefined) return;
  const { target, input, error } = finding;
  const file = Deno.makeTempFileSync({ prefix: `fuzz-${target}-` });
  Deno.writeFileSync(file, input);
  say(
    `${target}${seed === undefined ? "" : `, seed ${seed}`}: ${
      error instanceof Error ? error.stack : error
    }`,
  );
  say(`Again: deno task fuzz --target ${target} --input ${file}`);
  Deno.exit(1);
}

function say(text: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${text}\n`));
}
