/**
 * The same works without a far line: what the gateway's distance costs where the store is near, in
 * seconds and in the processor time of what stands between.
 */
import type { Served } from "../processes.ts";
import { median, table, withLimit } from "../table.ts";
import { type Measured, runLoad } from "./bench.ts";
import {
  FIRST_IMAGE,
  RETRIEVE,
  STORE,
  STORE_CHUNKED,
  STORE_SINGLY,
  type TitledLoad,
  VIEW,
} from "./cells.ts";
import { gatewaySection, NEAR, startSystem, startSystems } from "./systems.ts";

const LOADS: readonly TitledLoad[] = [
  STORE,
  STORE_CHUNKED,
  STORE_SINGLY,
  RETRIEVE,
  VIEW,
  FIRST_IMAGE,
];
const BASELINE = "baseline";
/** Nothing may be slower than the baseline by more. */
const MOST = 1.05;

/**
 * @param baseline Another checkout of the gateway; undefined for none.
 */
export async function runNearLine(
  store: Served,
  rounds: number,
  baseline: string | undefined,
): Promise<string> {
  await using stack = new AsyncDisposableStack();
  const systems = await startSystems(store.port, stack);
  if (baseline !== undefined) {
    const section = gatewaySection(`http://127.0.0.1:${store.port}`, undefined);
    systems.push(await startSystem(BASELINE, section, stack, { checkout: baseline }));
  }
  const rows: string[][] = [];
  for (const load of LOADS) {
    const instances = { count: 120, size: "0.5 MB" } as const;
    const runs = await runLoad(systems, load, instances, {
      store,
      rounds,
      processes: {},
      lineBytes: () => Promise.resolve(0),
    });
    const roundsOf = (name: string, step: number) =>
      [...runs].find(([system]) => system.name === name)![1][step]!;
    load.steps.forEach(([title], step) => {
      const cells = systems.map(({ name }) => {
        const all = roundsOf(name, step);
        const between = median(all.map(processorSeconds));
        return milliseconds(median(all.map(wallSeconds))) +
          (Number.isNaN(between) ? "" : ` (${milliseconds(between)})`);
      });
      const against = baseline === undefined ? [] : [wallSeconds, processorSeconds].map((read) => {
        const ratio = (each: Measured, round: number) =>
          read(each) / read(roundsOf(BASELINE, step)[round]!);
        return withLimit(median(roundsOf(NEAR, step).map(ratio)), MOST);
      });
      rows.push([title, ...cells, ...against]);
    });
  }
  const head = ["work", ...systems.map(({ name }) => name)];
  if (baseline !== undefined) head.push(`${NEAR} against ${BASELINE}`, "its processor time");
  return table(head, rows);
}

function wallSeconds({ seconds }: Measured): number {
  return seconds;
}

function processorSeconds({ usage }: Measured): number {
  return usage.cpuSeconds["between"] ?? NaN;
}

function milliseconds(seconds: number): string {
  return `${Math.round(1000 * seconds)} ms`;
}
