/**
 * Real parts at both ends: a chunked STOW from one Orthanc into another, and a retrieve.
 */
import assert from "node:assert/strict";
import { type LineProperties, startFarLine } from "../../fixtures/far_line/far_line.ts";
import { Orthanc } from "../../fixtures/orthanc.ts";
import { KEY, KEY_HEADER } from "../messages.ts";
import { table } from "../table.ts";
import { makeStudy, type StudyPlan, studyUid } from "./study.ts";
import { DIRECT, DISTANCES, startSystems, type System } from "./systems.ts";

/** 300 MB. */
const PLAN: StudyPlan = { seed: 1_000_000, count: 572, size: "0.5 MB" };
const TIMEOUT_SECONDS = 600;

/** Runs both works over a line, and without one. */
export async function runOrthanc(properties: LineProperties): Promise<string> {
  await using stack = new AsyncDisposableStack();
  const client = stack.use(await Orthanc.start());
  const store = stack.use(await Orthanc.start());
  for (const { file } of makeStudy(PLAN)) await client.upload(file);
  const files = [...(await client.fileHashes()).values()].toSorted();
  const storePort = Number(new URL(store.url).port);
  const line = stack.use(await startFarLine(storePort, properties));
  const rows = [
    ...await runOver(
      `${properties.roundTripMs} ms, ${properties.bytesPerSecond / 1e6} MB/s`,
      line.port,
    ),
    ...await runOver("near", storePort),
  ];
  const names = [DIRECT, "nginx", ...DISTANCES];
  return table(["line", "work", ...names], rows);

  async function runOver(title: string, port: number): Promise<string[][]> {
    await using between = new AsyncDisposableStack();
    const systems = await startSystems(port, between);
    const stored: string[] = [];
    const retrieved: string[] = [];
    for (const { name, base } of systems) {
      await client.setPeer(name, {
        Url: base,
        HttpHeaders: { [KEY_HEADER]: KEY },
        ChunkedTransfers: true,
        Timeout: TIMEOUT_SECONDS,
      });
      await store.clear();
      stored.push(await timed(() => client.stow(name, studyUid(PLAN))));
      assert.deepEqual([...(await store.fileHashes()).values()].toSorted(), files, name);
      await client.clear();
      retrieved.push(await timed(() => client.retrieve(name, [{ Study: studyUid(PLAN) }])));
      assert.deepEqual([...(await client.fileHashes()).values()].toSorted(), files, name);
    }
    const inOrder = (cells: readonly string[]) =>
      [DIRECT, "nginx", ...DISTANCES].map((name) => cells[indexOf(systems, name)] ?? "-");
    return [
      [title, "store, in chunks", ...inOrder(stored)],
      [title, "retrieve", ...inOrder(retrieved)],
    ];
  }
}

function indexOf(systems: readonly System[], name: string): number {
  return systems.findIndex((each) => each.name === name);
}

async function timed(
  job: () => Promise<{ readonly State: string; readonly ErrorDescription: string }>,
): Promise<string> {
  const startedMs = performance.now();
  const { State, ErrorDescription } = await job();
  assert.equal(State, "Success", ErrorDescription);
  return `${((performance.now() - startedMs) / 1000).toFixed(2)} s`;
}
