import assert from "node:assert/strict";
import { GatewayError } from "../../src/errors/gateway_error.ts";
import { Deadlines } from "../../src/upstream/deadlines.ts";

Deno.test("Deadlines: an exchange past its limit is aborted with NET-001, others live on", () => {
  let now = 0;
  const deadlines = new Deadlines(() => now);
  const short = deadlines.begin(100, 'server "main" to answer');
  const long = deadlines.begin(1000, "another");
  now = 99;
  deadlines.sweep();
  assert.equal(short.signal.aborted, false);
  now = 100;
  deadlines.sweep();
  assert.ok(short.signal.reason instanceof GatewayError);
  assert.equal(short.signal.reason.code, "NET-001");
  assert.match(short.signal.reason.message, /server "main" to answer/);
  assert.equal(long.signal.aborted, false);
  deadlines.end(long);
});

Deno.test("Deadlines: an extended exchange has its new limit, an ended one none", () => {
  let now = 0;
  const deadlines = new Deadlines(() => now);
  const exchange = deadlines.begin(100, "headers");
  now = 90;
  deadlines.extend(exchange, 100, "the body");
  now = 150;
  deadlines.sweep();
  assert.equal(exchange.signal.aborted, false);
  deadlines.end(exchange);
  now = 10_000;
  deadlines.sweep();
  assert.equal(exchange.signal.aborted, false);
});
