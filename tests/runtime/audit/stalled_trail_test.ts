/**
 * Audit trails whose writing stalls without an error: a server that accepts but never reads, records
 * that arrive faster than they are written.
 */
import assert from "node:assert/strict";
import { AuditTrail } from "../../../src/runtime/audit/audit_trail.ts";
import { AUDIT_HEALTH, AuditFeed } from "../../../src/telemetry/audit_feed.ts";
import { MemoryLogger } from "../../fixtures/memory_logger.ts";
import { event, KEY } from "./trail_harness.ts";

const BASE = { uids: "plain", key: KEY, onFailure: "refuse" } as const;

Deno.test("A syslog server that accepts but never reads counts as failed, and the gateway can still stop", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const accepted: Deno.Conn[] = [];
  const accepting = (async () => {
    for await (const connection of listener) accepted.push(connection);
  })();
  const logger = new MemoryLogger();
  const target = {
    kind: "syslog",
    host: "127.0.0.1",
    port: listener.addr.port,
    caCertificatesPem: [],
  } as const;
  const trail = await AuditTrail.open({
    config: { ...BASE, target },
    logger,
    print: () => Promise.resolve(),
    writeTimeoutMs: 20,
    retryMs: 5,
  });
  trail.record([event(1)]);
  await until(() => health(trail) === AUDIT_HEALTH.failing);
  await until(() => accepted.length >= 2);
  await trail.close();
  const [failed, lost] = [logger.lines[0], logger.lines.at(-1)];
  assert.equal(failed?.message, "Cannot write the audit trail");
  assert.equal(lost?.message, "Audit events were lost");
  for (const connection of accepted) connection.close();
  listener.close();
  await accepting;
});

Deno.test("Records that arrive faster than they are written stop requests before one is lost, and lost records are reported", async () => {
  const printed: string[] = [];
  const trail = await AuditTrail.open({
    config: { ...BASE, target: { kind: "stdout" } },
    logger: new MemoryLogger(),
    print: (text) => Promise.resolve(void printed.push(...text.trimEnd().split("\n"))),
    maxKept: 8,
  });
  trail.record(Array.from({ length: 5 }, (_, i) => event(i)));
  assert.equal(health(trail), AUDIT_HEALTH.failing);
  trail.record(Array.from({ length: 5 }, (_, i) => event(5 + i)));
  await trail.close();
  assert.equal(health(trail), AUDIT_HEALTH.writing);
  const records = printed.map((line) => JSON.parse(line));
  assert.deepEqual(records.map(({ request_id, lost }) => request_id ?? lost), [
    ...Array.from({ length: 8 }, (_, i) => `request ${i}`),
    2,
  ]);
});

Deno.test("A reader of standard output that stalls counts as a failure, and the gateway can still stop", async () => {
  for (const onFailure of ["refuse", "warn"] as const) {
    const gate = Promise.withResolvers<void>();
    const logger = new MemoryLogger();
    const trail = await AuditTrail.open({
      config: { ...BASE, onFailure, target: { kind: "stdout" } },
      logger,
      print: () => gate.promise,
      writeTimeoutMs: 20,
    });
    const feed = new AuditFeed({ health: trail.health, onFailure, post: () => {} });
    trail.record([event(1)]);
    await until(() => health(trail) === AUDIT_HEALTH.failing);
    assert.equal(feed.isRefusing, onFailure === "refuse");
    trail.record([event(2), event(3)]);
    await trail.close();
    const { message, fields } = logger.lines.at(-1)!;
    assert.deepEqual([message, fields["lost"]], ["Audit events were lost", 3]);
    gate.resolve();
  }
});

Deno.test("A reader of standard output that resumes receives every record once, in order", async () => {
  const gate = Promise.withResolvers<void>();
  const printed: string[] = [];
  const trail = await AuditTrail.open({
    config: { ...BASE, target: { kind: "stdout" } },
    logger: new MemoryLogger(),
    print: async (text) => {
      await gate.promise;
      printed.push(...text.trimEnd().split("\n"));
    },
    writeTimeoutMs: 20,
  });
  for (let i = 0; i < 5; i++) trail.record([event(i)]);
  await until(() => health(trail) === AUDIT_HEALTH.failing);
  gate.resolve();
  await until(() => health(trail) === AUDIT_HEALTH.writing);
  await trail.close();
  assert.deepEqual(
    printed.map((line) => JSON.parse(line).request_id),
    Array.from({ length: 5 }, (_, i) => `request ${i}`),
  );
});

function health(trail: AuditTrail): number {
  return Atomics.load(new Int32Array(trail.health), 0);
}

async function until(holds: () => boolean): Promise<void> {
  for (let tries = 0; !holds(); tries++) {
    assert(tries < 400, "it never came to hold");
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
