/**
 * Writes `docs/performance.md`, of which each benchmark has a part.
 */
import { runProgram } from "../fixtures/run_program.ts";
import { benchFile } from "./processes.ts";

const FILE = benchFile("../../docs/performance.md");
/** Begin the parts after that of `bench:peers`. */
const FAR_HEADING = "## A far store\n";
const COMPRESSION_HEADING = "## Compressed answers\n";

/** Writes the part of `bench:peers`. */
export async function writePeers(text: string): Promise<void> {
  await write({ ...await parts(), peers: `${text}\n` });
}

/** Writes the part of `bench:far`. */
export async function writeFarSection(text: string): Promise<void> {
  await write({ ...await parts(), far: `${FAR_HEADING}\n${text}\n` });
}

/** Writes the part of `bench:compression`. */
export async function writeCompressionSection(text: string): Promise<void> {
  await write({ ...await parts(), compression: `${COMPRESSION_HEADING}\n${text}\n` });
}

interface Parts {
  readonly peers: string;
  readonly compression: string;
  readonly far: string;
}

async function parts(): Promise<Parts> {
  const text = `${await Deno.readTextFile(FILE)}\n`;
  const [rest = "", far] = text.split(FAR_HEADING);
  const [peers = "", compression] = rest.split(COMPRESSION_HEADING);
  return {
    peers,
    compression: compression === undefined ? "" : COMPRESSION_HEADING + compression,
    far: far === undefined ? "" : FAR_HEADING + far,
  };
}

async function write({ peers, compression, far }: Parts): Promise<void> {
  await Deno.writeTextFile(FILE, peers + compression + far);
  await runProgram(Deno.execPath(), ["fmt", "--quiet", FILE]);
}
