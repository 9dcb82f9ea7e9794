/**
 * The tables of works over a far line.
 */
import type { FarLine, LineProperties } from "../../fixtures/far_line/far_line.ts";
import type { Served } from "../processes.ts";
import { mebibytes, median, table, withLimit } from "../table.ts";
import { type Load, type Measured, runLoad, type Runs } from "./bench.ts";
import type { InstanceSize } from "./study.ts";
import { DIRECT, DISTANCES, type System } from "./systems.ts";
import type { Usage } from "./usage.ts";

/** One line and one size of instances. */
export interface Cell extends LineProperties {
  readonly size: InstanceSize;
  readonly count: number;
  readonly loads: readonly TitledLoad[];
}

/** A load with the titles of its steps, and how long they may take against a direct client. */
export interface TitledLoad extends Load {
  readonly steps: readonly (readonly [title: string, most?: number])[];
}

export const STORE: TitledLoad = { work: "store", connections: 1, steps: [["store", 0.25]] };
export const STORE_CHUNKED: TitledLoad = {
  work: "storeChunked",
  connections: 1,
  steps: [["store, in chunks"]],
};
export const STORE_SINGLY: TitledLoad = {
  work: "storeSingly",
  connections: 4,
  steps: [["store singly, 4 connections"]],
};
export const RETRIEVE: TitledLoad = {
  work: "retrieve",
  connections: 1,
  steps: [["retrieve", 0.28]],
};
export const VIEW: TitledLoad = {
  work: "view",
  connections: 6,
  steps: [["view", 0.5], ["view again", 0.1]],
};
export const FIRST_IMAGE: TitledLoad = {
  work: "firstImage",
  connections: 1,
  steps: [["first image", 1.5]],
};

/** A client that knows how far the store is. */
const PERFECT = [8, 16];

export interface FarBench {
  readonly store: Served;
  readonly line: FarLine;
  /** The first one is direct. */
  readonly systems: readonly System[];
  readonly rounds: number;
}

/** Runs a cell. `isGoal`: the goals are for this one. */
export async function runCell(bench: FarBench, cell: Cell, isGoal: boolean): Promise<string> {
  await bench.line.change(cell);
  const seconds: string[][] = [];
  const use: string[][] = [];
  const last = DISTANCES.at(-1)!;
  for (const load of cell.loads) {
    const runs = await runLoads(bench, bench.systems, load, cell);
    const byName = (name: string, step: number) =>
      [...runs].find(([system]) => system.name === name)![1][step]!;
    load.steps.forEach(([title, most], step) => {
      const all = [...runs.values()].map((steps) => secondsOf(steps[step]!));
      const ratio = secondsOf(byName(last, step)) / secondsOf(byName(DIRECT, step));
      seconds.push([
        title,
        ...all.map((each) => `${each.toFixed(each < 1 ? 3 : 2)} s`),
        withLimit(ratio, isGoal ? most : undefined),
      ]);
      use.push([title, ...usageCells(byName(last, step), cell)]);
    });
  }
  const names = bench.systems.map(({ name }) => name);
  const title = `${cell.roundTripMs} ms, ${cell.bytesPerSecond / 1e6} MB/s a connection, ` +
    `${cell.count} × ${cell.size}`;
  return [
    `### ${title}\n`,
    table(["work", ...names, `${last} against ${DIRECT}`], seconds),
    ...isGoal ? [await perfectClients(bench, cell)] : [],
    `What \`${last}\` used:\n`,
    table(["work", ...USAGE_HEAD], use),
  ].join("\n");
}

async function runLoads(
  { store, line, rounds }: FarBench,
  systems: readonly System[],
  load: Load,
  cell: Cell,
): Promise<Map<System, Runs>> {
  const lineBytes = async () => {
    const { upBytes, downBytes } = await line.counts();
    return upBytes + downBytes;
  };
  const processes = { line: line.pid };
  return await runLoad(systems, load, cell, { store, rounds, processes, lineBytes });
}

/** The lower bound that line, relay and store have on this machine. */
async function perfectClients(bench: FarBench, cell: Cell): Promise<string> {
  const direct = bench.systems.slice(0, 1);
  const works = [
    ["store", "storeInParallel"],
    ["retrieve", "retrieveInParallel"],
    ["view", "view"],
  ] as const;
  const rows: string[][] = [];
  for (const connections of PERFECT) {
    const row = [`${connections} connections`];
    for (const [, work] of works) {
      const runs = await runLoads(bench, direct, { work, connections }, cell);
      row.push(`${secondsOf(runs.get(direct[0]!)![0]!).toFixed(2)} s`);
    }
    rows.push(row);
  }
  return [
    "A perfect client, which uses so many connections by itself, direct:\n",
    table(["", ...works.map(([title]) => title)], rows),
  ].join("\n");
}

const USAGE_HEAD = [
  ...["gateway", "line", "store", "client", "all processors"],
  ...["on the line", "memory", "disk"],
];

/** The most of memory and disk, and the median of the rest. */
function usageCells(rounds: readonly Measured[], { bytesPerSecond }: Cell): string[] {
  const usages = rounds.map(({ usage }) => usage);
  const of = (read: (usage: Usage) => number) => median(usages.map(read));
  const percent = (share: number) => `${Math.round(100 * share)} %`;
  const onTheLine = of(({ lineBytes, wallSeconds }) => lineBytes / wallSeconds / bytesPerSecond);
  return [
    ...["between", "line", "store", "client"].map((name) =>
      percent(of(({ cpuSeconds, wallSeconds }) => cpuSeconds[name]! / wallSeconds))
    ),
    percent(of(({ busyShare }) => busyShare)),
    `${onTheLine.toFixed(1)} connections`,
    `+ ${mebibytes(Math.max(...usages.map(({ memoryRiseBytes }) => memoryRiseBytes)))}`,
    mebibytes(Math.max(...usages.map(({ diskBytes }) => diskBytes))),
  ];
}

function secondsOf(rounds: readonly Measured[]): number {
  return median(rounds.map(({ seconds }) => seconds));
}
