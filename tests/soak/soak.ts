/**
 * Ten minutes of steady mixed load through a gateway, with intermittent faults of the store and the
 * identity provider. Every body is verified. Fails if a response is wrong, a request fails without
 * a fault, or memory grows.
 */
import { parseArgs } from "node:util";
import { startGateway } from "../fixtures/gateway_process.ts";
import { startTokenEndpoint } from "../fixtures/token_endpoint.ts";
import { startFaultyStore, type StoreFault } from "./faulty_store.ts";
import { startLoad } from "./soak_load.ts";

const { values } = parseArgs({
  args: Deno.args,
  options: { minutes: { type: "string", default: "10" } },
});
const totalMs = Number(values.minutes) * 60_000;
/** Minute two, or a fifth of a shorter run. */
const referenceMs = Math.min(120_000, totalMs / 5);
const SAMPLE_MS = 1_000;
const FAULT_MS = 8_000;
const CALM_MS = 12_000;
/** A request may begin in a fault and end after it, or meet its last retry. */
const AFTERMATH_MS = 4_000;
const MOST_GROWTH = 0.1;
const MIB = 1024 * 1024;

type Fault = StoreFault | "no tokens";
const FAULTS: readonly Fault[] = [
  "unavailable",
  "cuts",
  "no tokens",
  "throttles",
  "cuts uploads",
  "stalls",
];

/** One round of all faults: memory varies with what each of them occupies. */
const ROUND_MS = FAULTS.length * (FAULT_MS + CALM_MS);
const WINDOW_MS = Math.min(ROUND_MS, totalMs / 5);

function say(line: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));
}

const provider = startTokenEndpoint({ expiresInSeconds: 20 });
const store = startFaultyStore((token) => provider.issued.includes(token));
const gateway = await startGateway({
  LogLevel: "INFO",
  Servers: { main: { Url: store.url, ...provider.serverKeys } },
});

const startMs = performance.now();
let faultyUntilMs = 0;
let current: Fault = "none";
const met = new Map<Fault, number>();

function set(fault: Fault): void {
  if (current !== "none") faultyUntilMs = performance.now() + AFTERMATH_MS;
  current = fault;
  met.set(fault, (met.get(fault) ?? 0) + 1);
  store.fault = fault === "no tokens" ? "none" : fault;
  provider.answer = fault === "no tokens" ? () => new Response("down", { status: 503 }) : undefined;
}

const end = new AbortController();
const { tally, ended } = startLoad({
  url: `${gateway.url}/dicom-web/main`,
  store,
  clients: 8,
  pauseMs: 100,
  signal: end.signal,
  wasFaulty: (sinceMs) => current !== "none" || sinceMs < faultyUntilMs,
});

const samples: { readonly atMs: number; readonly bytes: number }[] = [];
let nextFault = 0;
let nextChangeMs = CALM_MS;
let reported = 0;
for (let atMs = 0; atMs < totalMs; atMs = performance.now() - startMs) {
  await new Promise((resolve) => setTimeout(resolve, SAMPLE_MS));
  samples.push({ atMs, bytes: await gateway.residentBytes() });
  if (atMs >= nextChangeMs) {
    set(current === "none" ? FAULTS[nextFault++ % FAULTS.length]! : "none");
    nextChangeMs = atMs + (current === "none" ? CALM_MS : FAULT_MS);
  }
  if (atMs >= reported * 60_000) {
    const requests = [...tally.counts.values()].reduce((sum, count) => sum + count, 0);
    const memory = (samples.at(-1)!.bytes / MIB).toFixed(1);
    say(`minute ${reported++}: ${requests} requests, ${memory} MiB, ${tally.wrong.length} wrong`);
  }
}
set("none");
end.abort();
await ended;

function meanMiB(fromMs: number, toMs: number): number {
  const within = samples.filter(({ atMs }) => atMs >= fromMs && atMs < toMs);
  return within.reduce((sum, { bytes }) => sum + bytes, 0) / within.length / MIB;
}

const metrics = await (await fetch(`${gateway.url}/dicomweb-oauth/metrics`)).text();
const before = meanMiB(referenceMs - WINDOW_MS / 2, referenceMs + WINDOW_MS / 2);
const after = meanMiB(totalMs - WINDOW_MS, totalMs);
const growth = after / before - 1;
say("");
for (const [what, count] of [...tally.counts].sort()) say(`${what}: ${count}`);
say(`faults: ${[...met].map(([fault, count]) => `${fault} ×${count}`).join(", ")}`);
say(`requests that the store spoilt: ${store.spoilt}; tokens: ${provider.issued.length}`);
for (
  const line of metrics.split("\n").filter((line) =>
    /^dicomweb_oauth_(store|worker|errors)/.test(line)
  )
) {
  say(line);
}
say(
  `memory: ${before.toFixed(1)} MiB after ${referenceMs / 1000} s, ${
    after.toFixed(1)
  } MiB at the end (${(growth * 100).toFixed(1)} %)`,
);
say(`wrong answers or hidden truncations: ${tally.wrong.length}`);
for (const line of tally.wrong.slice(0, 20)) say(`  ${line}`);
say(`failures without a reason: ${tally.unexplained.length}`);
for (const line of tally.unexplained.slice(0, 20)) say(`  ${line}`);

const { code } = await gateway.stop();
await store.close();
await provider.close();
const isGood = tally.wrong.length === 0 && tally.unexplained.length === 0 &&
  growth <= MOST_GROWTH && code === 0;
say(isGood ? "passed" : "FAILED");
Deno.exit(isGood ? 0 : 1);
