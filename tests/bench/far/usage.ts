/**
 * What processes use during a work: processor time, memory, and files that have no name any more,
 * as the gateway's spool.
 */
import { cpuSeconds, residentBytes } from "../processes.ts";

export interface Usage {
  readonly wallSeconds: number;
  /** Processor time of each process that was named. */
  readonly cpuSeconds: Readonly<Record<string, number>>;
  /** The share of all processors that was busy, with whatever else ran on the machine. */
  readonly busyShare: number;
  /** Bytes that the line carried. */
  readonly lineBytes: number;
  /** Rise of the watched process's resident memory above its start. */
  readonly memoryRiseBytes: number;
  readonly diskBytes: number;
}

const SAMPLE_MS = 50;

export interface UsageOptions {
  /** Process identifiers by name. */
  readonly processes: Readonly<Record<string, number>>;
  /** The process whose memory and disk count; undefined for none. */
  readonly watched: number | undefined;
  readonly lineBytes: () => Promise<number>;
}

/** Runs a work. */
export async function measureUsage<T>(
  { processes, watched, lineBytes }: UsageOptions,
  work: () => Promise<T>,
): Promise<[result: T, usage: Usage]> {
  const times = () => Promise.all(Object.values(processes).map(cpuSeconds));
  const memory = () => watched === undefined ? 0 : residentBytes(watched);
  const before = await times();
  const atStart = await memory();
  const bytesBefore = await lineBytes();
  const machine = await machineTicks();
  const startedMs = performance.now();
  let most = atStart;
  let disk = 0;
  let isOver = false;
  const sampling = (async () => {
    while (!isOver) {
      most = Math.max(most, await memory());
      if (watched !== undefined) disk = Math.max(disk, await unlinkedBytes(watched));
      await new Promise((resolve) => setTimeout(resolve, SAMPLE_MS));
    }
  })();
  let result: T;
  let wallSeconds: number;
  try {
    result = await work();
    wallSeconds = (performance.now() - startedMs) / 1000;
  } finally {
    isOver = true;
    await sampling;
  }
  const after = await times();
  const machineAfter = await machineTicks();
  return [result, {
    wallSeconds,
    cpuSeconds: Object.fromEntries(
      Object.keys(processes).map((name, at) => [name, after[at]! - before[at]!]),
    ),
    busyShare: 1 - (machineAfter.idle - machine.idle) / (machineAfter.all - machine.all),
    lineBytes: await lineBytes() - bytesBefore,
    memoryRiseBytes: Math.max(most, await memory()) - atStart,
    diskBytes: disk,
  }];
}

/** `/proc/stat`: user, nice, system, idle, iowait and so on. */
async function machineTicks(): Promise<{ readonly idle: number; readonly all: number }> {
  const [line = ""] = (await Deno.readTextFile("/proc/stat")).split("\n");
  const ticks = line.split(/\s+/).slice(1, 9).map(Number);
  return { idle: ticks[3]! + ticks[4]!, all: ticks.reduce((sum, each) => sum + each, 0) };
}

/** Bytes of a process's open files that are deleted. */
async function unlinkedBytes(pid: number): Promise<number> {
  let bytes = 0;
  try {
    for await (const { name } of Deno.readDir(`/proc/${pid}/fd`)) {
      const path = `/proc/${pid}/fd/${name}`;
      const target = await Deno.readLink(path).catch(() => "");
      // Not shared memory: it is no disk.
      if (!target.endsWith(" (deleted)") || target.startsWith("/memfd:")) continue;
      bytes += ((await Deno.stat(path).catch(() => undefined))?.blocks ?? 0) * 512;
    }
  } catch {
    // It has ended.
  }
  return bytes;
}
