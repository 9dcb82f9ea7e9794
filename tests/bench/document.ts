/**
 * Writes `docs/performance.md`, of which each benchmark has a part.
 */
import { runProgram } from "../fixtures/run_program.ts";
import { benchFile } from "./processes.ts";

const FILE = benchFile("../../docs/performance.md");
/** Begin the parts after that of `bench:peers`, in their order. */
const HEADINGS = {
  compression: "## Compressed answers\n",
  ohif: "## OHIF in Chromium\n",
  far: "## A far store\n",
};
type Section = keyof typeof HEADINGS;
const SECTIONS = Object.keys(HEADINGS) as Section[];

/** Writes the part of `bench:peers`. */
export async function writePeers(text: string): Promise<void> {
  await write((await parts()).set("peers", `${text}\n`));
}

/** Writes a part with its heading. */
export async function writeSection(section: Section, text: string): Promise<void> {
  await write((await parts()).set(section, `${HEADINGS[section]}\n${text}\n`));
}

type Parts = Map<"peers" | Section, string>;

async function parts(): Promise<Parts> {
  let rest = `${await Deno.readTextFile(FILE)}\n`;
  const found: Parts = new Map();
  for (const section of SECTIONS.toReversed()) {
    const at = rest.indexOf(HEADINGS[section]);
    if (at < 0) continue;
    found.set(section, rest.slice(at));
    rest = rest.slice(0, at);
  }
  return found.set("peers", rest);
}

async function write(parts: Parts): Promise<void> {
  const text = (["peers", ...SECTIONS] as const).map((part) => parts.get(part) ?? "").join("");
  await Deno.writeTextFile(FILE, text);
  await runProgram(Deno.execPath(), ["fmt", "--quiet", FILE]);
}
