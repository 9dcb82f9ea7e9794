import assert from "node:assert/strict";
import type { ProviderName } from "../../../src/config/schemes/oauth2/identity_provider.ts";
import { findAdvice } from "../../../src/credentials/provider_advice.ts";
import { auth0Advice } from "../../../src/credentials/oauth2/auth0_advice.ts";
import { keycloakAdvice } from "../../../src/credentials/oauth2/keycloak_advice.ts";
import { oauth2Advice } from "../../../src/credentials/oauth2/oauth2_advice.ts";
import { oktaAdvice } from "../../../src/credentials/oauth2/okta_advice.ts";
import { pingOneAdvice } from "../../../src/credentials/oauth2/pingone_advice.ts";
import type { Advice } from "../../../src/credentials/advice.ts";
import { parseTokenResponse } from "../../../src/credentials/oauth2/token_response.ts";
import type { ErrorCode } from "../../../src/errors/catalogue.ts";
import { GatewayError } from "../../../src/errors/gateway_error.ts";

const OKTA = "https://clinic.okta.com/oauth2/v1/token";
const AUTH0 = "https://tenant.eu.auth0.com/oauth/token";
const KEYCLOAK = "https://sso.clinic.example/realms/r/protocol/openid-connect/token";
const PINGONE = "https://auth.pingone.eu/e/as/token";
const OTHER = "https://idp.example/token";

type Row = readonly [
  endpoint: string,
  status: number,
  error: string,
  description: string,
  code: ErrorCode,
  advice: RegExp,
  provider?: ProviderName,
];

/** Responses from the providers' sources, or quoted by their users. */
const rows: readonly Row[] = [
  [
    OKTA,
    400,
    "invalid_scope",
    "Custom scopes are not allowed for this request.",
    "AUTH-002",
    /custom authorization server/,
  ],
  [
    OKTA,
    400,
    "invalid_scope",
    "One or more scopes are not configured for the authorization server resource.",
    "AUTH-002",
    /add the scope at this/,
  ],
  [
    OKTA,
    400,
    "access_denied",
    "Policy evaluation failed for this request, please check the policy configurations.",
    "AUTH-002",
    /access policy/,
  ],
  [
    OKTA,
    400,
    "invalid_client",
    "Client Credentials requests to the Org Authorization Server must use the private_key_jwt token_endpoint_auth_method.",
    "AUTH-001",
    /takes no client secret/,
  ],
  [
    OKTA,
    401,
    "invalid_client",
    "The audience claim for client_assertion must be the endpoint invoked for the request.",
    "AUTH-001",
    /AssertionAudience/,
  ],
  [
    OKTA,
    400,
    "invalid_dpop_proof",
    "The DPoP proof JWT header is missing.",
    "AUTH-001",
    /set DPoP to true/,
  ],
  [
    OKTA,
    400,
    "unauthorized_client",
    "The client is not authorized to use the provided grant type.",
    "AUTH-002",
    /API Services/,
  ],
  [
    OKTA,
    401,
    "invalid_client",
    "The client secret supplied for a confidential client is invalid.",
    "AUTH-001",
    /General tab/,
  ],
  [
    OTHER,
    400,
    "invalid_scope",
    "Custom scopes are not allowed for this request.",
    "AUTH-002",
    /custom authorization server/,
    "okta",
  ],

  [
    AUTH0,
    403,
    "access_denied",
    "Non-global clients are not allowed access to APIv1",
    "AUTH-002",
    /set Audience/,
  ],
  [
    AUTH0,
    403,
    "access_denied",
    "Service not enabled within domain: https://api.example",
    "AUTH-002",
    /character by character/,
  ],
  [
    AUTH0,
    403,
    "access_denied",
    'Client is not authorized to access "https://api.example". You need to create a "client-grant" associated to this API.',
    "AUTH-002",
    /authorize the application/,
  ],
  [AUTH0, 401, "access_denied", "Unauthorized", "AUTH-001", /copy ClientId/],
  [
    AUTH0,
    403,
    "unauthorized_client",
    "Grant type 'client_credentials' not allowed for the client.",
    "AUTH-002",
    /Machine to Machine/,
  ],
  [AUTH0, 401, "invalid_client", "", "AUTH-001", /authentication method/],

  [
    KEYCLOAK,
    401,
    "unauthorized_client",
    "Client not enabled to retrieve service account",
    "AUTH-002",
    /Service accounts roles/,
  ],
  [
    KEYCLOAK,
    401,
    "unauthorized_client",
    "Public client not allowed to retrieve service account",
    "AUTH-002",
    /Client authentication/,
  ],
  [KEYCLOAK, 401, "unauthorized_client", "Invalid client secret", "AUTH-001", /older versions/],
  [KEYCLOAK, 401, "invalid_client", "Invalid token audience", "AUTH-001", /set Issuer/],
  [KEYCLOAK, 401, "invalid_client", "Multiple audiences not allowed", "AUTH-001", /set Issuer/],
  [KEYCLOAK, 401, "invalid_client", "Token reuse detected", "AUTH-001", /proxy that repeats/],
  [
    KEYCLOAK,
    401,
    "invalid_client",
    "Token was issued too far in the past to be used now",
    "AUTH-001",
    /clocks/,
  ],
  [KEYCLOAK, 401, "invalid_client", "Token is not active", "AUTH-001", /clocks/],
  [KEYCLOAK, 400, "unauthorized_client", "Unable to load public key", "AUTH-001", /JWKS URL/],
  [
    KEYCLOAK,
    401,
    "invalid_client",
    "Invalid signature algorithm",
    "AUTH-001",
    /Signature algorithm/,
  ],
  [
    KEYCLOAK,
    401,
    "invalid_client",
    "Invalid client or Invalid client credentials",
    "AUTH-001",
    /Client Authenticator/,
  ],
  [KEYCLOAK, 400, "invalid_scope", "Invalid scopes: dicom", "AUTH-002", /Client scopes/],
  [KEYCLOAK, 404, "Realm does not exist", "", "TOK-001", /realm in the URL/],

  [
    PINGONE,
    401,
    "invalid_client",
    "Request denied: Unsupported authentication method (Correlation ID: x)",
    "AUTH-001",
    /NONE takes none/,
  ],
  [PINGONE, 401, "invalid_client", "Request denied", "AUTH-001", /environment in the URL/],
  [PINGONE, 400, "invalid_scope", "", "AUTH-002", /custom resource/],
  [PINGONE, 400, "unauthorized_client", "", "AUTH-002", /Client Credentials grant/],

  [OTHER, 401, "invalid_client", "", "AUTH-001", /jwks\.json/, "smart"],
  [OTHER, 400, "invalid_scope", "", "AUTH-002", /system scopes/, "smart"],
  [OTHER, 400, "invalid_dpop_proof", "", "AUTH-001", /set DPoP to true/],
  [OTHER, 400, "unsupported_grant_type", "", "TOK-001", /switch on the client credentials/],
  [OTHER, 400, "unauthorized_client", "", "AUTH-002", /grant of the client/],
  [
    OTHER,
    400,
    "invalid_request",
    "requested grant type is not allowed for this client",
    "TOK-001",
    /grant of the client/,
  ],
  [OTHER, 400, "invalid_grant", "grant request is invalid", "TOK-001", /bound to a key/],
  [OTHER, 401, "", "Access denied due to invalid subscription key.", "TOK-001", /TokenHeaders/],
  [OTHER, 403, "", "Request Rejected support ID is: 1", "TOK-001", /web application firewall/],
  [OTHER, 403, "", "ERROR: The requested URL could not be retrieved", "TOK-001", /an HTTP proxy/],
];

function failure([endpoint, status, error, description, , , provider]: Row): GatewayError {
  const body = JSON.stringify({ error, error_description: description });
  const context = { server: "main", issuedAtMs: 0, secrets: [], endpoint, provider };
  try {
    parseTokenResponse({ status, headers: new Headers(), body }, context);
  } catch (thrown) {
    assert(thrown instanceof GatewayError);
    return thrown;
  }
  throw new assert.AssertionError({ message: "no failure" });
}

for (const row of rows) {
  const [endpoint, , error, description, code, advice, provider] = row;
  const who = provider ?? new URL(endpoint).hostname;
  Deno.test(`${who} ${error} ${description.slice(0, 40)} is ${code} with its advice`, () => {
    const refused = failure(row);
    assert.equal(refused.code, code);
    assert.match(refused.troubleshooting[0] ?? "", advice);
  });
}

Deno.test("Every advice of these providers has a test", () => {
  const reached = new Set(
    rows.map(([endpoint, status, error, description, , , provider]) =>
      findAdvice({ endpoint, status, error, description, provider })
    ),
  );
  const all: Advice[] = [
    ...auth0Advice,
    ...keycloakAdvice,
    ...oktaAdvice,
    ...pingOneAdvice,
    ...oauth2Advice,
  ];
  for (const advice of all) assert(reached.has(advice), advice.steps[0]);
});
