import assert from "node:assert/strict";
import { Secret } from "../../src/config/values/secret.ts";
import { NO_RECORDS, readRecord, seal } from "../../src/telemetry/audit_chain.ts";

for (const key of [undefined, new Secret("key")]) {
  Deno.test(`audit chain (${key ? "HMAC" : "hash"}): a record is whole until it is changed`, () => {
    const event = JSON.stringify({ event: "gateway", outcome: "started" });
    const { lines: [line = ""], end } = seal([event], NO_RECORDS, key);
    const record = readRecord(line, key);
    assert.deepEqual(record, { ...end, previous: NO_RECORDS.hash, isWhole: true });
    assert.equal(readRecord(line.replace("started", "stopped"), key)?.isWhole, false);
    assert.equal(readRecord(line, new Secret("another key"))?.isWhole, false);
    assert.equal(readRecord("{}", key), undefined);
  });
}
