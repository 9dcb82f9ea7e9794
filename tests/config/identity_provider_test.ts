import assert from "node:assert/strict";
import {
  type ProviderName,
  providerOf,
} from "../../src/config/schemes/oauth2/identity_provider.ts";

const endpoints: [url: string, provider: ProviderName | undefined][] = [
  ["https://tenant.eu.auth0.com/oauth/token", "auth0"],
  ["https://clinic.okta.com/oauth2/v1/token", "okta"],
  ["https://login.clinic.example/oauth2/default/v1/token", "okta"],
  ["https://login.microsoftonline.com/t/oauth2/v2.0/token", "azure"],
  ["https://oauth2.googleapis.com/token", "google"],
  ["https://auth.pingone.eu/env/as/token", "pingone"],
  ["https://sso.clinic.example/auth/realms/r/protocol/openid-connect/token", "keycloak"],
  ["https://sts.eu-west-1.amazonaws.com/", "aws"],
  ["https://okta.com.evil.example/oauth2/token", undefined],
  ["https://myokta.com/token", undefined],
  ["https://idp.example/token", undefined],
  ["", undefined],
];
for (const [url, provider] of endpoints) {
  Deno.test(`providerOf recognizes ${provider ?? "no provider"} in ${url || "no URL"}`, () => {
    assert.equal(providerOf(url), provider);
  });
}
