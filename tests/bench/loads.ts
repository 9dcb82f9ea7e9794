/**
 * The loads, each from a process of its own.
 */
import { KEY, KEY_HEADER } from "./messages.ts";
import { benchFile, cpuSeconds } from "./processes.ts";
import { PACKAGE_FLAGS } from "../../deploy/deno_flags.ts";

/** A load generator for HTTP (Debian package `wrk`). */
export const WRK = "/usr/bin/wrk";

/** The result of a load, and the cost of generating it. */
export interface Measured {
  /** Requests or bytes per second. */
  readonly perSecond: number;
  /** Bytes of a large body. */
  readonly bytes?: number;
  readonly requests: number;
  /** Processor time of the generator per second of wall-clock time: its share of one core. */
  readonly generatorShare: number;
}

/** Requests one resource repeatedly and measures requests per second. */
export async function askAgain(
  url: string,
  connections: number,
  seconds: number,
): Promise<Measured> {
  const threads = Math.min(connections, 1);
  const args = [
    `-t${threads}`,
    `-c${connections}`,
    `-d${seconds}s`,
    "-H",
    `${KEY_HEADER}: ${KEY}`,
    url,
  ];
  const { text, generatorShare } = await generate(WRK, args);
  if (/Non-2xx|Socket errors/.test(text)) throw new Error(`the load failed: ${text}`);
  const requests = Number(/(\d+) requests in/.exec(text)?.[1]);
  return {
    perSecond: Number(/Requests\/sec:\s+([\d.]+)/.exec(text)?.[1]),
    requests,
    generatorShare,
  };
}

/** One large body. */
export interface Transfer {
  readonly kind: "get" | "chunked" | "length";
  readonly bytes: number;
  readonly chunkBytes?: number;
}

/** Transfers one large body and measures bytes per second. */
export async function transfer(
  url: string,
  { kind, bytes, chunkBytes = 0 }: Transfer,
): Promise<Measured> {
  const { text, generatorShare } = await script("transfer.ts", [
    kind,
    url,
    `${bytes}`,
    `${chunkBytes}`,
  ]);
  const { seconds } = JSON.parse(text);
  return { perSecond: bytes / seconds, bytes, requests: 1, generatorShare };
}

/** Response times in milliseconds. */
export interface Latency {
  readonly p50: number;
  readonly p99: number;
}

/** Sends requests at a steady rate. */
export async function askSteadily(
  url: string,
  perSecond: number,
  seconds: number,
): Promise<Latency> {
  const { text } = await script("paced.ts", [url, `${perSecond}`, `${seconds}`]);
  return JSON.parse(text);
}

function script(
  file: string,
  args: readonly string[],
): Promise<{ text: string; generatorShare: number }> {
  return generate(Deno.execPath(), [
    "run",
    "--quiet",
    ...PACKAGE_FLAGS,
    "--allow-net",
    "--no-check",
    benchFile(file),
    ...args,
  ]);
}

async function generate(
  program: string,
  args: readonly string[],
): Promise<{ text: string; generatorShare: number }> {
  const startedMs = performance.now();
  const child = new Deno.Command(program, { args: [...args], stdout: "piped", stderr: "piped" })
    .spawn();
  // The time of a process that has ended can no longer be read: the last sample counts.
  let used = 0;
  const watch = setInterval(async () => {
    used = Math.max(used, await cpuSeconds(child.pid));
  }, 100);
  const { success, stdout, stderr } = await child.output();
  clearInterval(watch);
  const decoder = new TextDecoder();
  if (!success) throw new Error(`${args.join(" ")}: ${decoder.decode(stderr)}`);
  const seconds = (performance.now() - startedMs) / 1000;
  return { text: decoder.decode(stdout), generatorShare: used / seconds };
}
