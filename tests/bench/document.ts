/**
 * Writes `docs/performance.md`, of which each benchmark has a part.
 */
import { runProgram } from "../fixtures/run_program.ts";
import { benchFile } from "./processes.ts";

const FILE = benchFile("../../docs/performance.md");
/** Begins the second part. */
const FAR_HEADING = "## A far store\n";

/** Writes the part of `bench:peers`. */
export async function writePeers(text: string): Promise<void> {
  const { far } = await parts();
  await write(`${text}\n${far}`);
}

/** Writes the part of `bench:far`. */
export async function writeFarSection(text: string): Promise<void> {
  const { peers } = await parts();
  await write(`${peers}${FAR_HEADING}\n${text}`);
}

async function parts(): Promise<{ readonly peers: string; readonly far: string }> {
  const text = await Deno.readTextFile(FILE);
  const at = text.indexOf(FAR_HEADING);
  return at === -1
    ? { peers: `${text}\n`, far: "" }
    : { peers: text.slice(0, at), far: text.slice(at) };
}

async function write(text: string): Promise<void> {
  await Deno.writeTextFile(FILE, text);
  await runProgram(Deno.execPath(), ["fmt", "--quiet", FILE]);
}
