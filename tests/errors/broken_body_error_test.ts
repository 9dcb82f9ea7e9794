import assert from "node:assert/strict";
import { BrokenBodyError, isOfClientsBody } from "../../src/errors/broken_body_error.ts";
import { GatewayError } from "../../src/errors/gateway_error.ts";

Deno.test("isOfClientsBody: a body that broke off or stalled is the client's failure, other timeouts are not", () => {
  assert(isOfClientsBody(new BrokenBodyError("it broke off")));
  assert(isOfClientsBody(new GatewayError("NET-001", "Gave up waiting", { status: 408 })));
  assert(!isOfClientsBody(new GatewayError("NET-001", "Gave up waiting")));
});
