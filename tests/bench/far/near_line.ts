/**
 * The same works without a far line: what the gateway's distance costs where the store is near.
 */
import type { Served } from "../processes.ts";
import { median, table, withLimit } from "../table.ts";
import { runLoad } from "./bench.ts";
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
    const secondsOf = (name: string, step: number) =>
      [...runs].find(([system]) => system.name === name)![1][step]!.map(({ seconds }) => seconds);
    load.steps.forEach(([title], step) => {
      const cells = systems.map(({ name }) =>
        `${Math.round(1000 * median(secondsOf(name, step)))} ms`
      );
      if (baseline === undefined) return rows.push([title, ...cells]);
      const before = secondsOf(BASELINE, step);
      const ratios = secondsOf(NEAR, step).map((each, round) => each / before[round]!);
      return rows.push([title, ...cells, withLimit(median(ratios), MOST)]);
    });
  }
  const head = ["work", ...systems.map(({ name }) => name)];
  if (baseline !== undefined) head.push(`${NEAR} against ${BASELINE}`);
  return table(head, rows);
}
