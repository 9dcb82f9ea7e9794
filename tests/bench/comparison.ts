/**
 * The same loads against the gateway and its peers, in alternation.
 */
import { askAgain, askSteadily, type Measured, transfer } from "./loads.ts";
import { cpuSeconds, residentBytes } from "./processes.ts";
import { mebibytes, median, rate, table, withGoal, withLimit } from "./table.ts";

/** A measured program. */
export interface Peer {
  readonly name: string;
  readonly pid: number;
  /** The store's base URL at this peer. */
  readonly base: string;
}

/** Rounds, durations and sizes of the measurements. */
export interface Effort {
  readonly rounds: number;
  /** Duration of each load of many requests. */
  readonly seconds: number;
  readonly largeBytes: number;
}

/** A load with the gateway's goals. */
export interface Load {
  readonly title: string;
  readonly unit: "requests" | "bytes";
  readonly run: (base: string, effort: Effort) => Promise<Measured>;
  /** Least ratios to the peers, by their names. */
  readonly goals: Readonly<Record<string, number>>;
}

/** The gateway's name among the peers. */
export const GATEWAY = "gateway";
/** The name of the runtime's floor. */
export const FLOOR = "floor";

const INSTANCE = "/studies/1.2/series/3.4/instances/5.6";
/** The size of Orthanc's chunks. */
const ORTHANC_CHUNK_BYTES = 65_524;
const SMALL_CHUNK_BYTES = 8 * 1024;
/** The smaller body that is sent in small chunks. */
const HUNDRED_MB = 100e6;

const SMALL_SEARCHES = "small searches (2.8 KB, URLs rewritten by the gateway), 32 connections";

export const LOADS: readonly Load[] = [
  {
    title: "instances of 512 KiB, 8 connections",
    unit: "requests",
    run: (base, { seconds }) => askAgain(base + INSTANCE, 8, seconds),
    goals: { floor: 0.9, nginx: 2, HAProxy: 0.6 },
  },
  {
    title: "one large retrieve",
    unit: "bytes",
    run: (base, { largeBytes }) =>
      transfer(`${base}/studies/large`, { kind: "get", bytes: largeBytes }),
    goals: { floor: 0.9, nginx: 2, HAProxy: 1 },
  },
  {
    title: "one large STOW, chunks of 65,524 bytes",
    unit: "bytes",
    run: (base, { largeBytes }) =>
      transfer(`${base}/studies`, {
        kind: "chunked",
        bytes: largeBytes,
        chunkBytes: ORTHANC_CHUNK_BYTES,
      }),
    goals: { floor: 0.9, nginx: 2.5, HAProxy: 1.5 },
  },
  {
    title: "100 MB STOW, chunks of 8 KiB",
    unit: "bytes",
    run: (base) =>
      transfer(`${base}/studies`, {
        kind: "chunked",
        bytes: HUNDRED_MB,
        chunkBytes: SMALL_CHUNK_BYTES,
      }),
    goals: { floor: 0.9 },
  },
  {
    title: "one large STOW, Content-Length",
    unit: "bytes",
    run: (base, { largeBytes }) =>
      transfer(`${base}/studies`, { kind: "length", bytes: largeBytes }),
    goals: { floor: 0.9, nginx: 1, HAProxy: 0.9 },
  },
  {
    title: SMALL_SEARCHES,
    unit: "requests",
    run: (base, { seconds }) => askAgain(`${base}/studies`, 32, seconds),
    goals: { floor: 0.75, nginx: 0.3 },
  },
];

/** The results of one peer under one load. */
interface Runs {
  readonly rates: number[];
  /** Processor seconds per request, or per GB. */
  readonly costs: number[];
  readonly shares: number[];
  residentBytes: number;
}

/**
 * Runs loads against peers in each round, one after the other.
 *
 * @param peers The gateway is one of them.
 */
export async function compare(
  peers: readonly Peer[],
  loads: readonly Load[],
  effort: Effort,
): Promise<string> {
  const others = peers.filter(({ name }) => name !== GATEWAY);
  const rates: string[][] = [];
  const ratios: string[][] = [];
  const costs: string[][] = [];
  const memory: string[][] = [];
  for (const load of loads) {
    const runs = await runAll(peers, load, effort);
    const of = (peer: Peer) => median(runs.get(peer)!.rates);
    const gateway = peers.find(({ name }) => name === GATEWAY)!;
    rates.push([load.title, ...peers.map((peer) => rate(of(peer), load.unit))]);
    ratios.push([
      load.title,
      ...others.map((peer) => withGoal(of(gateway) / of(peer), load.goals[peer.name])),
    ]);
    costs.push([
      load.title,
      ...peers.map((peer) => {
        const cost = median(runs.get(peer)!.costs);
        return load.unit === "requests"
          ? `${Math.round(cost * 1e6)} µs`
          : `${cost.toFixed(2)} s/GB`;
      }),
      `${Math.round(100 * median(peers.flatMap((peer) => runs.get(peer)!.shares)))} %`,
    ]);
    memory.push([load.title, ...peers.map((peer) => mebibytes(runs.get(peer)!.residentBytes))]);
  }
  const names = peers.map(({ name }) => name);
  return [
    "Medians:\n",
    table(["work", ...names], rates),
    "The gateway against the others, with what is to be reached:\n",
    table(["work", ...others.map(({ name }) => `against ${name}`)], ratios),
    "Processor time of each for one request or one GB, and the load generator's share of one core:\n",
    table(["work", ...names, "generator"], costs),
    "Resident memory, the most that was seen at the end of a load:\n",
    table(["work", ...names], memory),
  ].join("\n");
}

async function runAll(
  peers: readonly Peer[],
  load: Load,
  effort: Effort,
): Promise<Map<Peer, Runs>> {
  const runs = new Map(peers.map((peer): [Peer, Runs] => [
    peer,
    { rates: [], costs: [], shares: [], residentBytes: 0 },
  ]));
  // The first round warms up and does not count.
  for (let round = 0; round <= effort.rounds; round++) {
    for (const [peer, { rates, costs, shares }] of runs) {
      const before = await cpuSeconds(peer.pid);
      const measured = await load.run(peer.base, effort);
      const used = await cpuSeconds(peer.pid) - before;
      const one = runs.get(peer)!;
      one.residentBytes = Math.max(one.residentBytes, await residentBytes(peer.pid));
      if (round === 0) continue;
      rates.push(measured.perSecond);
      shares.push(measured.generatorShare);
      costs.push(used / (measured.bytes === undefined ? measured.requests : measured.bytes / 1e9));
    }
  }
  return runs;
}

/**
 * Compares the processor time of small searches.
 *
 * @param floor The peer that the others are compared with, round by round.
 * @param others The peers, with the most that each may take of the floor's time.
 */
export async function compareCosts(
  floor: Peer,
  others: readonly (readonly [peer: Peer, most?: number])[],
  effort: Effort,
): Promise<string> {
  const search = LOADS.find(({ title }) => title === SMALL_SEARCHES)!;
  const runs = await runAll([floor, ...others.map(([peer]) => peer)], search, effort);
  const costsOf = (peer: Peer) => runs.get(peer)!.costs;
  const microseconds = (peer: Peer) => `${Math.round(median(costsOf(peer)) * 1e6)} µs`;
  const rows = others.map(([peer, most]) => {
    const ratios = costsOf(peer).map((cost, round) => cost / costsOf(floor)[round]!);
    return [peer.name, microseconds(peer), withLimit(median(ratios), most)];
  });
  return table(["", "processor time", `against the ${floor.name}`], [
    [floor.name, microseconds(floor), ""],
    ...rows,
  ]);
}

/**
 * Sends small searches to all peers at a steady rate.
 *
 * @param peers The store itself, named `direct`, comes first.
 */
export async function compareLatency(peers: readonly Peer[], effort: Effort): Promise<string> {
  const times = new Map(peers.map((peer) => [peer, { p50: [] as number[], p99: [] as number[] }]));
  for (let round = 0; round < effort.rounds; round++) {
    for (const [peer, { p50, p99 }] of times) {
      const one = await askSteadily(`${peer.base}/studies`, 500, effort.seconds);
      p50.push(one.p50);
      p99.push(one.p99);
    }
  }
  const [direct] = times.values();
  const ms = (value: number) => `${value.toFixed(2)} ms`;
  const rows = [...times].map(([{ name }, { p50, p99 }]) => [
    name,
    ms(median(p50)),
    ms(median(p99)),
    ms(median(p50) - median(direct!.p50)),
    ms(median(p99) - median(direct!.p99)),
  ]);
  return table(["", "p50", "p99", "added p50", "added p99"], rows);
}
