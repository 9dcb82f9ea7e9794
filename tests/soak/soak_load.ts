/**
 * A steady mixed load of small searches, large retrievals and uploads, with every response
 * verified.
 */
import type { FaultyStore } from "./faulty_store.ts";
import { seededBytes, sha256 } from "../fixtures/seeded_bytes.ts";

export type Outcome =
  /** Complete and correct. */
  | "right"
  /** A failure that the client can see: an error status, or a transfer that broke off. */
  | "failed"
  /** An apparent success that is none. */
  | "wrong";

/** One kind of request. */
interface Kind {
  readonly name: "search" | "retrieve" | "retrieve sized" | "store";
  readonly bytes: (random: number) => number;
}

const KIB = 1024;
const KINDS: readonly Kind[] = [
  { name: "search", bytes: (random) => Math.floor(random * 8 * KIB) + 1 },
  { name: "search", bytes: (random) => Math.floor(random * 8 * KIB) + 1 },
  { name: "retrieve", bytes: (random) => Math.floor(random * 4096 * KIB) + 1 },
  { name: "retrieve sized", bytes: (random) => Math.floor(random * 4096 * KIB) + 1 },
  { name: "store", bytes: (random) => Math.floor(random * 2048 * KIB) + 1 },
];

/** The results so far. */
export interface Tally {
  readonly counts: Map<string, number>;
  readonly wrong: string[];
  /** Failures while nothing was faulty. */
  readonly unexplained: string[];
}

/** Target, size and duration of the load. */
export interface LoadOptions {
  /** The server's DICOMweb service at the gateway. */
  readonly url: string;
  readonly store: FaultyStore;
  /** The number of clients. */
  readonly clients: number;
  /** Pause of each between two requests, in milliseconds. */
  readonly pauseMs: number;
  readonly signal: AbortSignal;
  /** Whether there was a fault at any time since a moment. */
  readonly wasFaulty: (sinceMs: number) => boolean;
}

/**
 * Runs the load until it is aborted.
 *
 * @returns The results, updated continuously, with a promise of the end.
 */
export function startLoad(
  options: LoadOptions,
): { readonly tally: Tally; readonly ended: Promise<void> } {
  const tally: Tally = { counts: new Map(), wrong: [], unexplained: [] };
  let next = 1;
  async function client(): Promise<void> {
    while (!options.signal.aborted) {
      const seed = next++;
      const kind = KINDS[seed % KINDS.length]!;
      const startedMs = performance.now();
      const { outcome, detail } = await request(options, kind, seed);
      const key = `${kind.name}: ${outcome}`;
      tally.counts.set(key, (tally.counts.get(key) ?? 0) + 1);
      const line = `${kind.name} ${seed}: ${detail}`;
      if (outcome === "wrong") tally.wrong.push(line);
      if (outcome === "failed" && !options.wasFaulty(startedMs)) tally.unexplained.push(line);
      await new Promise((resolve) => setTimeout(resolve, options.pauseMs));
    }
  }
  const ended = Promise.all(Array.from({ length: options.clients }, client)).then(() => {});
  return { tally, ended };
}

async function request(
  { url, store }: LoadOptions,
  { name, bytes }: Kind,
  seed: number,
): Promise<{ outcome: Outcome; detail: string }> {
  const length = bytes(((seed * 7919) % 1000) / 1000);
  const expected = seededBytes(seed, length);
  try {
    if (name === "store") {
      const response = await fetch(`${url}/studies`, {
        method: "POST",
        headers: { "content-type": "application/octet-stream" },
        body: new Blob([expected]).stream(),
      });
      const text = await response.text();
      if (!response.ok) {
        return { outcome: "failed", detail: `${response.status} ${text.slice(0, 200)}` };
      }
      const digest = sha256(expected);
      const isTrue = text === digest && store.kept.has(digest);
      return { outcome: isTrue ? "right" : "wrong", detail: `stored ${text.slice(0, 80)}` };
    }
    const sized = name === "retrieve sized" ? "&sized" : "";
    const path = name === "search" ? "studies" : "studies/1.2/series/3/instances/4";
    const response = await fetch(`${url}/${path}?seed=${seed}&bytes=${length}${sized}`);
    const body = await response.bytes();
    if (!response.ok) {
      const text = new TextDecoder().decode(body).slice(0, 200);
      return { outcome: "failed", detail: `${response.status} ${text}` };
    }
    const isRight = sha256(body) === sha256(expected);
    return {
      outcome: isRight ? "right" : "wrong",
      detail: `${body.length} of ${length} bytes`,
    };
  } catch (error) {
    return { outcome: "failed", detail: String(error) };
  }
}
