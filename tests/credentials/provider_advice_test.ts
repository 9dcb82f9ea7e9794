import assert from "node:assert/strict";
import { findAdvice, providerAdvice } from "../../src/credentials/provider_advice.ts";
import { parseTokenResponse } from "../../src/credentials/oauth2/token_response.ts";
import { GatewayError } from "../../src/errors/gateway_error.ts";

Deno.test("findAdvice prefers the configured provider to the one detected by host", () => {
  const refusal = { endpoint: "https://idp.example/token", status: 400, error: "invalid_scope" };
  assert.equal(findAdvice(refusal), undefined);
  assert.match(findAdvice({ ...refusal, provider: "okta" })?.steps[0] ?? "", /^Okta/);
});

Deno.test("Every advice row has steps and a condition", () => {
  for (const row of providerAdvice) {
    assert(row.steps.length > 0);
    for (const step of row.steps) assert.match(step, /^[A-Z][^:]+: .{10,}[^.]$/s);
    assert(row.error !== undefined || row.text !== undefined || row.status !== undefined);
  }
});

Deno.test("A failed token request has the provider's remedy before the catalogue's", () => {
  const answer = {
    status: 400,
    headers: new Headers(),
    body: JSON.stringify({ error: "invalid_scope", error_description: "no such scope" }),
  };
  const context = { server: "main", issuedAtMs: 0, secrets: [] };
  const refusal = (endpoint: string) => {
    try {
      parseTokenResponse(answer, { ...context, endpoint });
    } catch (error) {
      assert(error instanceof GatewayError);
      return error.troubleshooting[0] ?? "";
    }
    throw new assert.AssertionError({ message: "no failure" });
  };
  assert.match(refusal("https://clinic.okta.com/oauth2/v1/token"), /custom authorization server/);
  assert.match(refusal("https://idp.example/token"), /^Check Scope/);
});
