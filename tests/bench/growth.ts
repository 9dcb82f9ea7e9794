/**
 * How the gateway's cost grows: with workers, with configured servers, with concurrent streams.
 */
import type { GatewayProcess } from "../fixtures/gateway_process.ts";
import type { Effort } from "./comparison.ts";
import { startMeasured } from "./gateway.ts";
import { askAgain } from "./loads.ts";
import { benchFile, end, firstLine, residentBytes } from "./processes.ts";
import { mebibytes, median, rate, table } from "./table.ts";
import { PACKAGE_FLAGS } from "../../deploy/deno_flags.ts";

/** One server's section. */
type Section = Readonly<Record<string, unknown>>;

const SERVERS = [1, 10, 100, 1_000];
const STREAMS = [10, 100, 1_000];
const STARTS = 5;

/** A table of small searches per second by `Workers`. */
export async function growWorkers(main: Section, { seconds }: Effort): Promise<string> {
  const rows: string[][] = [];
  for (const workers of [1, 2]) {
    await using gateway = await startMeasured({ Workers: workers, Servers: { main } });
    const url = `${gateway.url}/dicom-web/main/studies`;
    await askAgain(url, 32, 1);
    const { perSecond, generatorShare } = await askAgain(url, 32, seconds);
    rows.push([
      `${workers}`,
      rate(perSecond, "requests"),
      `${Math.round(100 * generatorShare)} %`,
      mebibytes(await residentBytes(gateway.pid)),
    ]);
  }
  return table(["workers", "small searches", "generator's share of one core", "memory"], rows);
}

/** A table of start-up time, memory and small searches by the number of configured servers. */
export async function growServers(main: Section, { seconds }: Effort): Promise<string> {
  const rows: string[][] = [];
  for (const count of SERVERS) {
    const more = Array.from({ length: count - 1 }, (_, i) => [`server${i}`, main] as const);
    const Servers = { ...Object.fromEntries(more), main };
    const starts: number[] = [];
    let gateway: GatewayProcess | undefined;
    for (let start = 0; start < STARTS; start++) {
      await gateway?.stop();
      const startedMs = performance.now();
      gateway = await startMeasured({ Servers });
      starts.push(performance.now() - startedMs);
    }
    const idle = await residentBytes(gateway!.pid);
    const url = `${gateway!.url}/dicom-web/main/studies`;
    await askAgain(url, 32, 1);
    const { perSecond } = await askAgain(url, 32, seconds);
    rows.push([
      `${count}`,
      `${Math.round(median(starts))} ms`,
      mebibytes(idle),
      rate(perSecond, "requests"),
    ]);
    await gateway!.stop();
  }
  return table(
    ["servers", "start to first answer (median of 5)", "memory idle", "small searches"],
    rows,
  );
}

/** A table of memory by the number of concurrent streams. */
export async function growStreams(main: Section): Promise<string> {
  const rows: string[][] = [];
  for (const count of STREAMS) {
    await using gateway = await startMeasured({ Servers: { main } });
    const idle = await residentBytes(gateway.pid);
    const child = new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "--quiet",
        ...PACKAGE_FLAGS,
        "--allow-net",
        "--no-check",
        benchFile("listeners.ts"),
        `${gateway.url}/dicom-web/main/studies/slow`,
        `${count}`,
      ],
      stdout: "piped",
      stderr: "null",
    }).spawn();
    await Array.fromAsync(firstLine(child.stdout));
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    const busy = await residentBytes(gateway.pid);
    await end(child);
    rows.push([
      `${count}`,
      mebibytes(idle),
      mebibytes(busy),
      `${Math.round((busy - idle) / count / 1024)} KiB`,
    ]);
  }
  return table(["streams at once", "memory idle", "memory with them", "each"], rows);
}
