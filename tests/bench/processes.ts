/**
 * The processes of a benchmark, with their processor time and memory from `/proc` (Linux).
 */
import { fileURLToPath } from "node:url";
import { PACKAGE_FLAGS } from "../../deploy/deno_flags.ts";

/** A process that serves. */
export interface Served extends AsyncDisposable {
  readonly port: number;
  readonly pid: number;
}

/** Clock ticks per second in `/proc`, on all Linux that Deno runs on. */
const TICKS_PER_SECOND = 100;

/** Path of a file of the benchmarks. */
export function benchFile(name: string): string {
  return fileURLToPath(new URL(name, import.meta.url));
}

/** Starts a benchmark script that serves and prints its port. */
export async function startScript(script: string, args: readonly string[]): Promise<Served> {
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "--quiet", ...PACKAGE_FLAGS, "--allow-all", "--unstable-no-legacy-abort"],
      ...[benchFile(script), ...args],
    ],
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const [line] = await Array.fromAsync(firstLine(child.stdout));
  return {
    port: Number(line),
    pid: child.pid,
    [Symbol.asyncDispose]: () => end(child),
  };
}

/** Ends a process and waits for it. */
export async function end(child: Deno.ChildProcess): Promise<void> {
  try {
    child.kill("SIGTERM");
  } catch {
    // It has ended already.
  }
  await child.status;
}

/** Yields the first line of a stream and does not read the rest. */
export async function* firstLine(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  let text = "";
  for await (const piece of stream.pipeThrough(new TextDecoderStream())) {
    text += piece;
    if (text.includes("\n")) return yield text.split("\n")[0]!;
  }
  throw new Error(`ended before it was ready: ${text}`);
}

/** Processor time of a process and its children in seconds; 0 if it has ended. */
export async function cpuSeconds(pid: number): Promise<number> {
  try {
    const stat = await Deno.readTextFile(`/proc/${pid}/stat`);
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    let seconds = (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
    for (const child of await childrenOf(pid)) seconds += await cpuSeconds(child);
    return seconds;
  } catch {
    return 0;
  }
}

/** Resident memory of a process and its children in bytes; 0 if it has ended. */
export async function residentBytes(pid: number): Promise<number> {
  try {
    const status = await Deno.readTextFile(`/proc/${pid}/status`);
    let bytes = Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024;
    for (const child of await childrenOf(pid)) bytes += await residentBytes(child);
    return bytes;
  } catch {
    return 0;
  }
}

async function childrenOf(pid: number): Promise<number[]> {
  const text = await Deno.readTextFile(`/proc/${pid}/task/${pid}/children`);
  return text.split(" ").filter((word) => word !== "").map(Number);
}
