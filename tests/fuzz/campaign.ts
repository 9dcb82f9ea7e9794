/**
 * Runs targets on inputs derived from a seed until a property fails.
 */
import process from "node:process";
import { dicomJson, dicomXml, multipart, multipartRewriting } from "./body_targets.ts";
import { configuration, providerMetadata, stowAnswer, tokenResponse } from "./message_targets.ts";
import { Dice, mutate } from "./mutation.ts";
import { headerValues } from "./header_targets.ts";
import { headerFiltering, mediaTypes, urlJoining } from "./request_targets.ts";
import type { FuzzTarget } from "./target.ts";

export const TARGETS: readonly FuzzTarget[] = [
  urlJoining,
  headerFiltering,
  headerValues,
  mediaTypes,
  multipart,
  multipartRewriting,
  dicomJson,
  dicomXml,
  configuration,
  tokenResponse,
  providerMetadata,
  stowAnswer,
];

/** Processor time: an input of so few bytes takes no reader longer, however busy the machine is. */
const MAX_MS = 2_000;

/** An input for which a property failed. */
export interface Finding {
  readonly target: string;
  readonly input: Uint8Array<ArrayBuffer>;
  readonly error: unknown;
}

/** The initial inputs of a target, from `tests/fuzz/corpus/`. */
export function corpusOf({ name }: FuzzTarget): Uint8Array<ArrayBuffer>[] {
  const directory = new URL(`corpus/${name}/`, import.meta.url);
  return [...Deno.readDirSync(directory)].map(({ name }) => name).sort()
    .map((name) => Deno.readFileSync(new URL(name, directory)));
}

/**
 * Runs one target on one input.
 *
 * @returns The failure, if any.
 */
export async function tryInput(
  target: FuzzTarget,
  input: Uint8Array<ArrayBuffer>,
): Promise<Finding | undefined> {
  const before = process.cpuUsage();
  try {
    await target.run(input.slice());
  } catch (error) {
    return { target: target.name, input, error };
  }
  const { user, system } = process.cpuUsage(before);
  const ms = (user + system) / 1000;
  return ms <= MAX_MS
    ? undefined
    : { target: target.name, input, error: new Error(`it took ${Math.round(ms)} ms`) };
}

/**
 * Runs one target on the corpus, then on inputs derived from it.
 *
 * @param more Receives the number of inputs so far; returns whether to continue.
 * @returns The number of inputs, and the first failure.
 */
export async function fuzz(
  target: FuzzTarget,
  seed: number,
  more: (inputs: number) => boolean,
): Promise<{ readonly inputs: number; readonly finding?: Finding }> {
  const corpus = corpusOf(target);
  const dice = new Dice(seed);
  let inputs = 0;
  for (const input of corpus) {
    inputs++;
    const finding = await tryInput(target, input);
    if (finding !== undefined) return { inputs, finding };
  }
  while (more(inputs)) {
    inputs++;
    const finding = await tryInput(target, mutate(corpus, target.words, dice));
    if (finding !== undefined) return { inputs, finding };
  }
  return { inputs };
}
