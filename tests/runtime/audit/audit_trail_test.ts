import assert from "node:assert/strict";
import type { AuditConfig } from "../../../src/config/gateway_config.ts";
import { auditFiles, openAuditFile } from "../../../src/runtime/audit/audit_file.ts";
import { AuditTrail, happened } from "../../../src/runtime/audit/audit_trail.ts";
import { verifyTrail } from "../../../src/runtime/audit/verify_trail.ts";
import { AUDIT_HEALTH, AuditFeed } from "../../../src/telemetry/audit_feed.ts";
import { MemoryLogger } from "../../fixtures/memory_logger.ts";
import { event, eventOf, KEY, withTrail, writeTrail } from "./trail_harness.ts";

const file = (path: string, more: Partial<{ maxBytes: number; maxFiles: number }> = {}) =>
  ({ kind: "file", path, maxBytes: 1e9, maxFiles: 0, ...more }) as const;

const config = (target: AuditConfig["target"]): AuditConfig => ({
  target,
  uids: "plain",
  key: KEY,
  onFailure: "refuse",
});

Deno.test("An incomplete record of a process that ended is removed, and the trail records this", () =>
  withTrail(async (path) => {
    await writeTrail(path, [2]);
    const whole = await Deno.readTextFile(path);
    await Deno.writeTextFile(path, `${whole}{"sequence":3,"previo`);
    const logger = new MemoryLogger();
    const trail = await AuditTrail.open({
      config: config(file(path)),
      logger,
      print: () => Promise.resolve(),
    });
    trail.record([event(9)]);
    await trail.close();
    const lines = (await Deno.readTextFile(path)).trimEnd().split("\n").map((line) =>
      JSON.parse(line)
    );
    assert.deepEqual(lines.map(({ sequence, event, outcome }) => [sequence, event, outcome]), [
      [1, "access", "complete"],
      [2, "access", "complete"],
      [3, "trail", "cut off"],
      [4, "access", "complete"],
    ]);
    assert.equal(lines[2].cut_bytes, 21);
    assert.deepEqual((await verifyTrail([path], { key: KEY })).faults, []);
  }));

Deno.test("A trail in a directory that others may write to is rejected", {
  ignore: Deno.build.os === "windows",
}, () =>
  withTrail(async (path) => {
    await writeTrail(path, [1]);
    await Deno.chmod(path.slice(0, path.lastIndexOf("/")), 0o770);
    await assert.rejects(openAuditFile(file(path)), /others may write to the directory/);
  }));

Deno.test("A second gateway does not write to the same trail", () =>
  withTrail(async (path) => {
    const { sink } = await openAuditFile(file(path));
    await assert.rejects(openAuditFile(file(path)), /another gateway is writing it/);
    sink.close();
    const { sink: next } = await openAuditFile(file(path));
    next.close();
  }));

Deno.test("A file that ends in something else is not continued", () =>
  withTrail(async (path) => {
    await writeTrail(path, [1]);
    await Deno.writeTextFile(path, "something else\n", { append: true });
    await assert.rejects(openAuditFile(file(path)), /its last line is not a record/);
  }));

Deno.test("Only the newest finished files are kept, up to MaxFiles", () =>
  withTrail(async (path) => {
    await writeTrail(path, Array(9).fill(2), { maxBytes: 500, maxFiles: 3 });
    const files = await auditFiles(path);
    assert.equal(files.length, 4);
    const { faults, end, first } = await verifyTrail(files, { key: KEY });
    assert.deepEqual(faults, []);
    assert.deepEqual([first, end.sequence], [13, 18]);
    await writeTrail(path, [1], { maxBytes: 500, maxFiles: 3 });
    assert.deepEqual((await verifyTrail(await auditFiles(path), { key: KEY })).faults, []);
  }));

Deno.test("Nothing is removed from a file that is no trail", () =>
  withTrail(async (path) => {
    await Deno.mkdir(path.slice(0, path.lastIndexOf("/")));
    await Deno.writeTextFile(path, "x".repeat(300_000));
    await assert.rejects(openAuditFile(file(path)), /its last line is not a record/);
    assert.equal((await Deno.stat(path)).size, 300_000);
  }));

Deno.test("A file that others may write to is rejected", {
  ignore: Deno.build.os === "windows",
}, () =>
  withTrail(async (path) => {
    await writeTrail(path, [1]);
    await Deno.chmod(path, 0o620);
    await assert.rejects(openAuditFile(file(path)), /others may write to it/);
  }));

Deno.test("A file that is removed is created again, and the missing records are found", () =>
  withTrail(async (path) => {
    const logger = new MemoryLogger();
    const trail = await AuditTrail.open({
      config: config(file(path)),
      logger,
      print: () => Promise.resolve(),
      retryMs: 5,
    });
    const written = async (number: number) => {
      trail.record([event(number)]);
      await until(() => {
        try {
          return Deno.readTextFileSync(path).includes(`"request ${number}"`);
        } catch {
          return false;
        }
      });
    };
    await written(1);
    await Deno.remove(path);
    await written(2);
    await Deno.rename(path, `${path}.moved`);
    await written(3);
    await trail.close();
    const { faults, first } = await verifyTrail([path], { key: KEY });
    assert.deepEqual([faults, first], [[], 3]);
    const joined = await verifyTrail([`${path}.moved`, path], { key: KEY });
    assert.deepEqual([joined.faults, joined.first, joined.records], [[], 2, 2]);
  }));

Deno.test("While writing fails events are kept, workers are informed, and lost events are counted", () =>
  withTrail(async (path) => {
    const logger = new MemoryLogger();
    const printed: string[] = [];
    let isBroken = true;
    const counted = { written: 0, lost: 0 };
    const trail = await AuditTrail.open({
      config: config({ kind: "stdout" }),
      logger,
      print: (text) => {
        if (isBroken) return Promise.reject(new Error("No space left on device (os error 28)"));
        printed.push(...text.trimEnd().split("\n"));
        return Promise.resolve();
      },
      retryMs: 1,
      maxKept: 3,
      count(written, lost) {
        counted.written += written;
        counted.lost += lost;
      },
    });
    const feed = new AuditFeed({
      health: trail.health,
      onFailure: "refuse",
      post: (events) => trail.record(events),
    });
    assert.equal(feed.isRefusing, false);
    for (let i = 0; i < 5; i++) feed.record(eventOf(i));
    feed.flush();
    await until(() => feed.isRefusing);
    assert.deepEqual(counted, { written: 0, lost: 2 }, "the alert must not wait for the end of it");
    isBroken = false;
    await until(() => printed.length === 4);
    assert.equal(feed.isRefusing, false);
    assert.equal(Atomics.load(new Int32Array(trail.health), 0), AUDIT_HEALTH.writing);
    await trail.close();
    assert.deepEqual(counted, { written: 4, lost: 2 });
    assert.deepEqual(printed.map((line) => JSON.parse(line).request_id ?? JSON.parse(line).lost), [
      "request 0",
      "request 1",
      "request 2",
      2,
    ]);
    assert.deepEqual(logger.lines.map(({ level, message }) => [level, message]), [
      ["error", "Cannot write the audit trail"],
      ["info", "Audit trail recovered"],
    ]);
    await Deno.mkdir(path.slice(0, path.lastIndexOf("/")));
    await Deno.writeTextFile(path, `${printed.join("\n")}\n`);
    assert.deepEqual((await verifyTrail([path], { key: KEY })).faults, []);
  }));

Deno.test("A feed with OnFailure warn never refuses requests", () => {
  const health = new SharedArrayBuffer(4);
  Atomics.store(new Int32Array(health), 0, AUDIT_HEALTH.failing);
  const feed = (onFailure: "refuse" | "warn") =>
    new AuditFeed({ health, onFailure, post() {} }).isRefusing;
  assert.deepEqual([feed("warn"), feed("refuse")], [false, true]);
});

Deno.test("Events of the gateway itself have a time", () => {
  const { time, ...rest } = JSON.parse(happened("gateway", "started", { workers: 2 }));
  assert.deepEqual(rest, { event: "gateway", outcome: "started", workers: 2 });
  assert(Math.abs(Date.parse(time) - Date.now()) < 60_000);
});

async function until(holds: () => boolean): Promise<void> {
  for (let tries = 0; !holds(); tries++) {
    assert(tries < 1_000, "it never came to hold");
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
