/**
 * Compares ways to a far store: `deno task bench:far [--rounds N] [--baseline DIRECTORY] [--quick | --only
 * PART]`. Writes its part of `docs/performance.md`; prints one cell of it with `--quick`, in about a
 * minute, or one part (cells, near, orthanc, ohif). A baseline is another checkout, whose gateway is measured beside this one's on a near
 * line.
 */
import { existsSync } from "node:fs";
import { parseArgs } from "node:util";
import { startFarLine } from "../../fixtures/far_line/far_line.ts";
import { CHROMIUM, ORTHANC } from "../../fixtures/installed_tool.ts";
import { OHIF } from "../../fixtures/ohif.ts";
import { writeSection } from "../document.ts";
import { machineFacts } from "../machine.ts";
import { printLine } from "../print_line.ts";
import { startScript } from "../processes.ts";
import { NGINX } from "../proxies.ts";
import {
  type Cell,
  FIRST_IMAGE,
  RETRIEVE,
  runCell,
  STORE,
  STORE_CHUNKED,
  STORE_SINGLY,
  VIEW,
} from "./cells.ts";
import { runNearLine } from "./near_line.ts";
import { runOhif } from "./ohif.ts";
import { runOrthanc } from "./orthanc.ts";
import { DIRECT, startSystems } from "./systems.ts";

const { values: flags } = parseArgs({
  args: Deno.args,
  options: {
    quick: { type: "boolean", default: false },
    rounds: { type: "string" },
    baseline: { type: "string" },
    only: { type: "string" },
  },
});
const rounds = Number(flags.rounds ?? (flags.quick ? 1 : 3));
/** A work on a near line is short: more rounds cost little. */
const NEAR_ROUNDS_OF_ONE = 5;

const ALL = [STORE, STORE_SINGLY, RETRIEVE, VIEW, FIRST_IMAGE];
const GOAL: Cell = {
  roundTripMs: 40,
  bytesPerSecond: 10e6,
  size: "0.5 MB",
  count: 120,
  loads: flags.quick
    ? [STORE, RETRIEVE, VIEW, FIRST_IMAGE]
    : [STORE, STORE_CHUNKED, STORE_SINGLY, RETRIEVE, VIEW, FIRST_IMAGE],
};
const CELLS: readonly Cell[] = [
  GOAL,
  ...[20, 50, 100].flatMap((roundTripMs) =>
    [5e6, 20e6].map((bytesPerSecond): Cell => ({
      roundTripMs,
      bytesPerSecond,
      size: "0.5 MB",
      count: 120,
      loads: ALL,
    }))
  ),
  ...[20, 50, 100].map((roundTripMs): Cell => ({
    roundTripMs,
    bytesPerSecond: 20e6,
    size: "50 KB",
    count: 120,
    loads: ALL,
  })),
  { roundTripMs: 40, bytesPerSecond: 20e6, size: "100 MB", count: 3, loads: [STORE, RETRIEVE] },
];

await using stack = new AsyncDisposableStack();
const store = stack.use(await startScript("far/store.ts", []));
const line = stack.use(await startFarLine(store.port, GOAL));
const systems = await startSystems(line.port, stack);

async function cellsOf(cells: readonly Cell[]): Promise<string[]> {
  const written: string[] = [];
  for (const cell of cells) {
    say(`${cell.roundTripMs} ms, ${cell.bytesPerSecond / 1e6} MB/s, ${cell.size}`);
    written.push(await runCell({ store, line, systems, rounds }, cell, cell === GOAL));
  }
  return written;
}

/** The parts of the section, by the name that `--only` has for them. */
const PARTS: Record<string, () => Promise<string[]>> = {
  cells: () => cellsOf(CELLS),
  async near() {
    say("a near line");
    return [
      "### Without a far line, 120 × 0.5 MB\n",
      "In parentheses the processor time of what stands between client and store:\n",
      await runNearLine(store, rounds * NEAR_ROUNDS_OF_ONE, flags.baseline),
    ];
  },
  async orthanc() {
    if (!existsSync(ORTHANC.path)) return [];
    say("Orthanc");
    return ["### From Orthanc into Orthanc, 300 MB in 572 instances\n", await runOrthanc(GOAL)];
  },
  async ohif() {
    if (!existsSync(OHIF.path) || !existsSync(CHROMIUM.path)) return [];
    say("OHIF");
    await line.change(GOAL);
    const results = await runOhif(store, line, rounds);
    await writeSection(
      "ohif",
      `Written by \`deno task bench:far --only ohif\`: OHIF in Chromium opens a series of 120 × 0.5 MB, at a
store 40 ms away with 10 MB/s a connection. Seconds after the request for metadata, medians of ${rounds}
rounds; browser and gateway are on one machine. HTTP/2: the gateway has a
certificate ([how](quick-starts/ohif.md#2-give-the-gateway-a-certificate)). The load average at the end was ${
        Deno.loadavg()[0]!.toFixed(1)
      } on two cores.

${results}`,
    );
    return [results];
  },
};

if (flags.quick) print(await cellsOf([GOAL]));
else if (flags.only !== undefined) print(await PARTS[flags.only]!());
else {
  const sections: string[] = [];
  for (const run of Object.values(PARTS)) sections.push(...await run());
  await writeSection("far", await introduction() + sections.join("\n"));
}

function print(sections: readonly string[]): void {
  printLine(sections.join("\n"));
  printLine(`Load average ${Deno.loadavg()[0]!.toFixed(1)}.`);
}

function say(what: string): void {
  Deno.stderr.writeSync(new TextEncoder().encode(`measuring ${what}\n`));
}

async function introduction(): Promise<string> {
  const programs: [string, ...string[]][] = existsSync(NGINX) ? [[NGINX, "-v"]] : [];
  return `Written by \`deno task bench:far\`. Client, gateway, line and store run on one machine and
share its cores. The line is a relay that gives each connection a round trip and a rate; it has no
slow start and loses nothing. Each client is a new process, each work has a study of its own, and
each answer is verified byte for byte. Medians of ${rounds} rounds, in alternation. The load average
at the end was ${Deno.loadavg()[0]!.toFixed(1)}.

- **${DIRECT}**: the client at the store. **nginx**: as in the tables above.
- **store**: one STOW of all instances with Content-Length. **store singly**: one instance a request.
- **retrieve**: one WADO-RS of the study.
- **view**: the study's metadata, then each instance's first frame over six connections, in order.
  **view again**: the same once more by the same client. **first image**: metadata and one frame.
- The tables of what was used have shares of one processor, but of all processors with whatever else ran;
  **on the line** is the rate there as a number of connections at their full rate. Where all
  processors are near 100 %, they are the limit; where the rate comes near the number of connections
  in use, the line is; else round trips are.

${await machineFacts(programs)}
`;
}
