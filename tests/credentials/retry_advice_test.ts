import assert from "node:assert/strict";
import { withRetryAfter } from "../../src/credentials/retry_advice.ts";
import { GatewayError } from "../../src/errors/gateway_error.ts";

Deno.test("withRetryAfter gives AUTH-003 a time, and keeps the provider's own remedy", () => {
  const error = new GatewayError("AUTH-003", "Cannot fetch a token", {
    server: "main",
    troubleshooting: ["The provider's own remedy"],
  });
  const advised = withRetryAfter(error);
  assert(advised instanceof GatewayError);
  assert.equal(advised.retryAfterSeconds, 5);
  assert.equal(advised.server, "main");
  assert.deepEqual(advised.troubleshooting, error.troubleshooting);
});

Deno.test("withRetryAfter leaves a time that the provider named, and every other error", () => {
  for (
    const error of [
      new GatewayError("AUTH-003", "Cannot fetch a token", { retryAfterSeconds: 60 }),
      new GatewayError("AUTH-001", "Cannot fetch a token"),
      new DOMException("gone", "AbortError"),
    ]
  ) {
    assert.equal(withRetryAfter(error), error);
  }
});
