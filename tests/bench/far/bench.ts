/**
 * Runs works of one client against systems in turn.
 */
import assert from "node:assert/strict";
import { PACKAGE_FLAGS } from "../../../deploy/deno_flags.ts";
import { linesOf } from "../../fixtures/lines_of.ts";
import { benchFile, type Served } from "../processes.ts";
import type { ClientOrder, StepResult, Work } from "./client_order.ts";
import { type InstanceSize, makeStudy, type StudyPlan } from "./study.ts";
import type { System } from "./systems.ts";
import { measureUsage, type Usage } from "./usage.ts";
import { hashesOf } from "./verify.ts";

/** A work with the number of its connections. */
export interface Load {
  readonly work: Work;
  readonly connections: number;
}

/** What was measured of one step of a load in one system. */
export interface Measured {
  readonly seconds: number;
  readonly usage: Usage;
}

/** The rounds of each step of a load in one system. */
export type Runs = Measured[][];

export interface BenchOptions {
  readonly store: Served;
  /** Further processes to account for, by name. */
  readonly processes: Readonly<Record<string, number>>;
  /** Bytes that the line has carried so far. */
  readonly lineBytes: () => Promise<number>;
  readonly rounds: number;
}

const STORES: ReadonlySet<Work> = new Set([
  "store",
  "storeChunked",
  "storeSingly",
  "storeInParallel",
]);

let seed = 0;

/** Runs a load against each system in each round, with a study of its own each time. */
export async function runLoad(
  systems: readonly System[],
  load: Load,
  instances: { readonly count: number; readonly size: InstanceSize },
  options: BenchOptions,
): Promise<Map<System, Runs>> {
  const runs = new Map(systems.map((each): [System, Runs] => [each, []]));
  for (let round = 0; round < options.rounds; round++) {
    // In both orders, so that the machine's drift favours none.
    const turn = round % 2 === 0 ? [...runs] : [...runs].reverse();
    for (const [system, steps] of turn) {
      // A study that nothing between client and store has seen.
      const plan = { ...instances, seed: ++seed };
      const measured = await runOnce(system, load, plan, options);
      measured.forEach((each, step) => (steps[step] ??= []).push(each));
    }
  }
  return runs;
}

async function runOnce(
  system: System,
  { work, connections }: Load,
  plan: StudyPlan,
  { store, processes, lineBytes }: BenchOptions,
): Promise<Measured[]> {
  const order = { work, base: system.base, plan, connections };
  const bench = `http://127.0.0.1:${store.port}/bench`;
  const isStore = STORES.has(work);
  await ask(`${bench}/clear`, { method: "POST" });
  if (!isStore) await ask(`${bench}/fill`, { method: "POST", body: JSON.stringify(plan) });
  const all = {
    ...processes,
    store: store.pid,
    ...(system.pid !== undefined && { between: system.pid }),
  };
  const measured = await runClient(order, async (step) => {
    const options = { processes: all, watched: system.pid, lineBytes };
    const [{ seconds, cpuSeconds }, usage] = await measureUsage(options, step);
    return {
      seconds,
      usage: { ...usage, cpuSeconds: { ...usage.cpuSeconds, client: cpuSeconds } },
    };
  });
  if (isStore) {
    const stored = await (await ask(`${bench}/hashes`)).json() as string[];
    assert.deepEqual(stored.toSorted(), hashesOf([...makeStudy(plan)]), `${work}: ${system.name}`);
  }
  return measured;
}

async function ask(url: string, init?: RequestInit): Promise<Response> {
  const response = await fetch(url, init);
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
  return response;
}

/** Runs a client, and measures each of its steps. */
async function runClient<T>(
  order: ClientOrder,
  measure: (step: () => Promise<StepResult>) => Promise<T>,
): Promise<T[]> {
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "--quiet", ...PACKAGE_FLAGS, "--allow-net", "--no-check"],
      ...[benchFile("far/client.ts"), JSON.stringify(order)],
    ],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const errors = new Response(child.stderr).text();
  const lines = linesOf(child.stdout);
  const commands = child.stdin.getWriter();
  const measured: T[] = [];
  try {
    while (!(await lines.next()).done) {
      measured.push(
        await measure(async () => {
          await commands.write(new Uint8Array(1));
          return JSON.parse((await lines.next()).value);
        }),
      );
    }
  } catch (error) {
    throw new Error(`${order.work} at ${order.base}: ${await errors}`, { cause: error });
  }
  if ((await child.status).success) return measured;
  throw new Error(`${order.work} at ${order.base}: ${(await errors).slice(0, 3_000)}`);
}
