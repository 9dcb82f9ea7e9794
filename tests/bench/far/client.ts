/**
 * A client of the far benchmark in a process of its own: `client.ts ORDER`, in JSON. For each step it
 * prints a line, waits for one, and prints its result in JSON. At its end it fails if an answer was
 * not what the store was filled with.
 */
import process from "node:process";
import { KEY, KEY_HEADER } from "../messages.ts";
import { printLine } from "../print_line.ts";
import type { ClientOrder, StepResult, Work } from "./client_order.ts";
import { type BenchInstance, makeStudy, studyUid } from "./study.ts";
import {
  expectFrames,
  expectInstances,
  expectReports,
  type InstancesBody,
  orderOf,
} from "./verify.ts";

const { work, base, plan, connections } = JSON.parse(Deno.args[0]!) as ClientOrder;
const http = Deno.createHttpClient({ http1: true, http2: false, poolMaxIdlePerHost: 32 });
const study = `${base}/studies/${studyUid(plan)}`;
const instances = [...makeStudy(plan)];
const INSTANCES = 'multipart/related; type="application/dicom"; transfer-syntax=*';
const FRAMES = 'multipart/related; type="application/octet-stream"; transfer-syntax=*';
const JSON_TYPE = "application/dicom+json";
const BOUNDARY = "bench-boundary";
/** The size of Orthanc's chunks. */
const CHUNK_BYTES = 65_524;
const encoder = new TextEncoder();

async function ask(url: string, init: RequestInit = {}): Promise<Response> {
  const headers = {
    ...{ [KEY_HEADER]: KEY, "accept-encoding": "identity" },
    ...init.headers as Record<string, string>,
  };
  const response = await fetch(url, { ...init, headers, client: http });
  if (response.status === 200) return response;
  throw new Error(`${work}: answered ${response.status}: ${await response.text()}`);
}

/** Runs work for each item over a number of connections, in order. */
async function overConnections<T>(items: readonly T[], run: (item: T) => Promise<void>) {
  const left = items.values();
  const worker = async () => {
    for (const item of left) await run(item);
  };
  await Promise.all(Array.from({ length: connections }, worker));
}

function partsOf(all: readonly BenchInstance[]): Uint8Array<ArrayBuffer>[] {
  const parts = all.flatMap(({ file }) => [
    encoder.encode(
      `--${BOUNDARY}\r\nContent-Type: application/dicom\r\nContent-Length: ${file.length}\r\n\r\n`,
    ),
    file,
    encoder.encode("\r\n"),
  ]);
  return [...parts, encoder.encode(`--${BOUNDARY}--\r\n`)];
}

function inChunks(pieces: readonly Uint8Array<ArrayBuffer>[]): ReadableStream {
  return new Blob([...pieces]).stream().pipeThrough(new ByteChunks(CHUNK_BYTES));
}

class ByteChunks extends TransformStream<Uint8Array, Uint8Array> {
  constructor(size: number) {
    super({
      transform(bytes, controller) {
        for (let at = 0; at < bytes.length; at += size) {
          controller.enqueue(bytes.subarray(at, at + size));
        }
      },
    });
  }
}

async function stow(body: BodyInit): Promise<unknown> {
  const type = `multipart/related; type="application/dicom"; boundary=${BOUNDARY}`;
  const response = await ask(`${base}/studies`, {
    method: "POST",
    headers: { "content-type": type, accept: JSON_TYPE },
    body,
  });
  return await response.json();
}

/** Measures a step when it is asked to. */
async function step(run: () => Promise<void>): Promise<void> {
  printLine("ready");
  await Deno.stdin.read(new Uint8Array(1));
  const before = process.cpuUsage();
  const startedMs = performance.now();
  await run();
  const seconds = (performance.now() - startedMs) / 1000;
  const { user, system } = process.cpuUsage(before);
  const result: StepResult = { seconds, cpuSeconds: (user + system) / 1e6 };
  printLine(JSON.stringify(result));
}

/** Stores batches of instances, one batch a request. */
async function storeIn(batches: readonly (readonly BenchInstance[])[]): Promise<void> {
  const bodies = await Promise.all(batches.map((batch) => new Blob(partsOf(batch)).bytes()));
  const reports: unknown[] = [];
  await step(() => overConnections(bodies, async (body) => void reports.push(await stow(body))));
  expectReports(reports, instances);
}

async function view(times: number, count: number): Promise<void> {
  for (let time = 0; time < times; time++) {
    const frames = new Map<string, Uint8Array>();
    let metadata: unknown;
    await step(async () => {
      const response = await ask(`${study}/metadata`, { headers: { accept: JSON_TYPE } });
      metadata = await response.json();
      const paths = orderOf(metadata).slice(0, count);
      await overConnections(paths, async ({ series, instance }) => {
        const url = `${study}/series/${series}/instances/${instance}/frames/1`;
        const answer = await ask(url, { headers: { accept: FRAMES } });
        frames.set(instance, await answer.bytes());
      });
    });
    expectFrames(frames, metadata, instances, count);
  }
}

/** Runs the steps of each work, and verifies what was received. */
const WORKS: Record<Work, () => Promise<void>> = {
  store: () => storeIn([instances]),
  async storeChunked() {
    const pieces = partsOf(instances);
    let report: unknown;
    await step(async () => void (report = await stow(inChunks(pieces))));
    expectReports([report], instances);
  },
  storeSingly: () => storeIn(instances.map((each) => [each])),
  storeInParallel: () =>
    storeIn(
      Array.from(
        { length: connections },
        (_, at) => instances.filter((_, number) => number % connections === at),
      ),
    ),
  async retrieve() {
    const bodies: InstancesBody[] = [];
    await step(async () => void bodies.push(await instancesAt(study)));
    await expectInstances(bodies, instances);
  },
  async retrieveInParallel() {
    const bodies: InstancesBody[] = [];
    await step(async () => {
      const search = await ask(`${study}/instances`, { headers: { accept: JSON_TYPE } });
      await overConnections(orderOf(await search.json()), async ({ series, instance }) => {
        bodies.push(await instancesAt(`${study}/series/${series}/instances/${instance}`));
      });
    });
    await expectInstances(bodies, instances);
  },
  view: () => view(2, plan.count),
  firstImage: () => view(1, 1),
};

async function instancesAt(url: string): Promise<InstancesBody> {
  const response = await ask(url, { headers: { accept: INSTANCES } });
  return { type: response.headers.get("content-type"), bytes: await response.bytes() };
}

await WORKS[work]();
Deno.exit(0);
