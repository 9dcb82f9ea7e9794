/**
 * Finds what an identity provider itself says is to be done about its refusal. The rows stand in
 * one file a provider under `remedies/`; a row is found by the provider and by what it said.
 *
 * @module
 */
import { providerOf } from "../config/schemes/oauth2/identity_provider.ts";
import { auth0Advice } from "./oauth2/auth0_advice.ts";
import { awsAdvice } from "./aws/advice.ts";
import { azureAdvice } from "./azure/advice.ts";
import { googleAdvice } from "./google/advice.ts";
import { keycloakAdvice } from "./oauth2/keycloak_advice.ts";
import { oauth2Advice } from "./oauth2/oauth2_advice.ts";
import { oktaAdvice } from "./oauth2/okta_advice.ts";
import { pingOneAdvice } from "./oauth2/pingone_advice.ts";
import type { Advice, ProviderRefusal } from "./advice.ts";

/** Every row. Of several that fit, the first counts. */
export const providerAdvice: readonly Advice[] = [
  ...auth0Advice,
  ...awsAdvice,
  ...azureAdvice,
  ...googleAdvice,
  ...keycloakAdvice,
  ...oktaAdvice,
  ...pingOneAdvice,
  ...oauth2Advice,
];

/**
 * Finds the remedy for a refusal.
 *
 * @returns The row that fits, or `undefined` where the catalogue's own steps must do.
 *
 * @example
 * ```ts
 * import { findAdvice } from "./provider_advice.ts";
 * import assert from "node:assert/strict";
 *
 * const remedy = findAdvice({
 *   endpoint: "https://clinic.okta.com/oauth2/v1/token",
 *   status: 400,
 *   error: "invalid_scope",
 * });
 * assert.match(remedy?.steps[0] ?? "", /custom authorization server/);
 * ```
 */
export function findAdvice(refusal: ProviderRefusal): Advice | undefined {
  const provider = refusal.provider ?? providerOf(refusal.endpoint);
  return providerAdvice.find((row) =>
    (row.provider === undefined || row.provider === provider) &&
    (row.status === undefined || row.status === refusal.status) &&
    (row.error === undefined || row.error === refusal.error) &&
    (row.text === undefined || row.text.test(refusal.description ?? ""))
  );
}
