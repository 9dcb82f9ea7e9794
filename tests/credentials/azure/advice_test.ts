import assert from "node:assert/strict";
import { findAdvice } from "../../../src/credentials/provider_advice.ts";
import { azureAdvice } from "../../../src/credentials/azure/advice.ts";
import type { Advice } from "../../../src/credentials/advice.ts";
import type { ErrorCode } from "../../../src/errors/catalogue.ts";

const ENTRA = "https://login.microsoftonline.com/contoso.example/oauth2/v2.0/token";
const IMDS = "http://169.254.169.254/metadata/identity/oauth2/token";

/** Messages from Microsoft's documentation and forums. */
const rows: readonly (readonly [
  error: string,
  description: string,
  code: ErrorCode | undefined,
  advice: RegExp,
])[] = [
  ["invalid_client", "AADSTS7000215: Invalid client secret provided.", "AUTH-001", /Secret ID/],
  [
    "invalid_client",
    "AADSTS7000222: The provided client secret keys are expired.",
    "AUTH-001",
    /expired/,
  ],
  [
    "unauthorized_client",
    "AADSTS700016: Application with identifier 'x' was not found",
    "AUTH-001",
    /ClientId/,
  ],
  [
    "unauthorized_client",
    "AADSTS7000229: The client application is missing service principal",
    "AUTH-001",
    /enterprise application/,
  ],
  ["unauthorized_client", "AADSTS7000112: Application 'x' is disabled.", "AUTH-001", /enable/],
  [
    "invalid_client",
    "AADSTS7000218: The request body must contain: 'client_assertion' or 'client_secret'.",
    "AUTH-001",
    /confidential/,
  ],
  [
    "invalid_client",
    "AADSTS700027: Client assertion failed signature validation.",
    "AUTH-001",
    /upload/,
  ],
  [
    "invalid_client",
    "AADSTS700024: Client assertion is not within its valid time range.",
    "AUTH-001",
    /clock/,
  ],
  [
    "invalid_request",
    "AADSTS70021: No matching federated identity record found",
    "AUTH-001",
    /issuer, subject and audience/,
  ],
  [
    "invalid_client",
    "AADSTS700213: No matching federated identity record found for presented assertion subject",
    "AUTH-001",
    /issuer, subject and audience/,
  ],
  ["invalid_request", "AADSTS90002: Tenant 'x' not found.", undefined, /TenantId/],
  [
    "invalid_resource",
    "AADSTS500011: The resource principal named x was not found",
    "AUTH-002",
    /check Scope/,
  ],
  [
    "invalid_scope",
    "AADSTS70011: The provided request must include a 'scope' input parameter.",
    "AUTH-002",
    /\/\.default/,
  ],
  [
    "invalid_scope",
    "AADSTS1002012: The provided value for scope x is not valid.",
    "AUTH-002",
    /\/\.default/,
  ],
  [
    "invalid_grant",
    "AADSTS65001: The user or administrator has not consented",
    "AUTH-002",
    /consent/,
  ],
  ["invalid_grant", "AADSTS501051: Application 'x' is not assigned to a role", "AUTH-002", /role/],
  [
    "access_denied",
    "AADSTS53003: Access has been blocked by Conditional Access policies.",
    "AUTH-002",
    /Conditional Access/,
  ],
  ["invalid_request", "Identity not found", "AUTH-001", /assign a managed identity/],
  [
    "",
    "No User Assigned or Delegated Managed Identity found for specified ClientId/ResourceId/PrincipalId.",
    "AUTH-001",
    /assign a managed identity/,
  ],
  [
    "invalid_request",
    "Multiple user assigned identities exist, please specify the clientId / resourceId",
    "AUTH-001",
    /by ClientId/,
  ],
  [
    "unauthorized_client",
    "The client isn't authorized to request an access token",
    "AUTH-001",
    /assign a managed identity/,
  ],
  ["bad_request_102", "Required metadata header not specified", undefined, /without a proxy/],
];

function find(error: string, description: string): Advice | undefined {
  const endpoint = description.startsWith("AADSTS") ? ENTRA : IMDS;
  return findAdvice({
    endpoint,
    provider: "azure",
    status: 400,
    error: error || undefined,
    description,
  });
}

for (const [error, description, code, advice] of rows) {
  Deno.test(`Azure's advice for ${description}`, () => {
    const found = find(error, description);
    assert.match(found?.steps[0] ?? "", advice);
    assert.equal(found?.code, code);
  });
}

Deno.test("Every advice for Azure has a test", () => {
  const found = new Set(rows.map(([error, description]) => find(error, description)));
  assert.deepEqual(azureAdvice.filter((row) => !found.has(row)), []);
});

Deno.test("Azure's advice is found by Entra's whole error numbers only, at any host", () => {
  const refusal = { endpoint: "https://idp.example/token", status: 400, error: "x" };
  assert.match(
    findAdvice({ ...refusal, description: "AADSTS700016: x" })?.steps[0] ?? "",
    /^Entra/,
  );
  assert.equal(findAdvice({ ...refusal, description: "AADSTS7000169: x" }), undefined);
  assert.equal(findAdvice({ ...refusal, description: "Identity not found" }), undefined);
});
