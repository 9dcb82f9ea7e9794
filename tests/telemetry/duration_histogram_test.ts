import assert from "node:assert/strict";
import { AggregatorRegistry, Histogram, Registry } from "prom-client";
import { DurationHistogram } from "../../src/telemetry/duration_histogram.ts";

const OPTIONS = { name: "waits_seconds", help: "Waits", buckets: [0.1, 0.5, 1] };
const OBSERVED: readonly (readonly [server: string, outcome: string, seconds: number])[] = [
  ["a", "complete", 0.05],
  ["a", "complete", 0.1],
  ["a", "complete", 0.7],
  ["a", "broken", 3],
  ['b"\n\\', "complete", 0.5],
];

function ours(): Registry {
  const registry = new Registry();
  const labelNames = ["server", "outcome"] as const;
  const histogram = new DurationHistogram({ ...OPTIONS, labelNames, registry });
  for (const [server, outcome, seconds] of OBSERVED) {
    histogram.labels(server, outcome).observe(seconds);
  }
  return registry;
}

function theirs(): Registry {
  const registry = new Registry();
  const labelNames = ["server", "outcome"];
  const histogram = new Histogram({ ...OPTIONS, labelNames, registers: [registry] });
  for (const [server, outcome, seconds] of OBSERVED) {
    histogram.observe({ server, outcome }, seconds);
  }
  return registry;
}

/** Labels may be in any order. */
function lines(text: string): string[] {
  return text.split("\n").map((line) =>
    line.replace(/\{(.*)\}/, (_, labels: string) => `{${labels.split(",").sort().join(",")}}`)
  ).sort();
}

Deno.test("DurationHistogram reports the same as prom-client's histogram", async () => {
  assert.deepEqual(lines(await ours().metrics()), lines(await theirs().metrics()));
});

Deno.test("DurationHistogram: the histograms of several workers add up", async () => {
  const workers = await Promise.all([ours(), ours()].map((each) => each.getMetricsAsJSON()));
  const text = await AggregatorRegistry.aggregate(workers).metrics();
  assert.match(text, /waits_seconds_count\{server="a",outcome="complete"\} 6\n/);
  assert.match(text, /waits_seconds_bucket\{le="0.1",server="a",outcome="complete"\} 4\n/);
});
