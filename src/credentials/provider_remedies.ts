/**
 * Finds what an identity provider itself says is to be done about its refusal. The rows stand in
 * one file a provider under `remedies/`; a row is found by the provider and by what it said.
 *
 * @module
 */
import { providerOf } from "../config/schemes/oauth2/identity_provider.ts";
import { auth0Remedies } from "./remedies/auth0.ts";
import { awsRemedies } from "./remedies/aws.ts";
import { azureRemedies } from "./remedies/azure.ts";
import { googleRemedies } from "./remedies/google.ts";
import { keycloakRemedies } from "./remedies/keycloak.ts";
import { oauth2Remedies } from "./remedies/oauth2.ts";
import { oktaRemedies } from "./remedies/okta.ts";
import { pingOneRemedies } from "./remedies/pingone.ts";
import type { ProviderRefusal, Remedy } from "./remedies/remedy.ts";

/** Every row. Of several that fit, the first counts. */
export const providerRemedies: readonly Remedy[] = [
  ...auth0Remedies,
  ...awsRemedies,
  ...azureRemedies,
  ...googleRemedies,
  ...keycloakRemedies,
  ...oktaRemedies,
  ...pingOneRemedies,
  ...oauth2Remedies,
];

/**
 * Finds the remedy for a refusal.
 *
 * @param refusal What the provider answered.
 * @returns The row that fits, or `undefined` where the catalogue's own steps must do.
 *
 * @example
 * ```ts
 * import { findRemedy } from "./provider_remedies.ts";
 * import assert from "node:assert/strict";
 *
 * const remedy = findRemedy({
 *   endpoint: "https://clinic.okta.com/oauth2/v1/token",
 *   status: 400,
 *   error: "invalid_scope",
 * });
 * assert.match(remedy?.steps[0] ?? "", /custom authorization server/);
 * ```
 */
export function findRemedy(refusal: ProviderRefusal): Remedy | undefined {
  const provider = refusal.provider ?? providerOf(refusal.endpoint);
  return providerRemedies.find((row) =>
    (row.provider === undefined || row.provider === provider) &&
    (row.status === undefined || row.status === refusal.status) &&
    (row.error === undefined || row.error === refusal.error) &&
    (row.text === undefined || row.text.test(refusal.description ?? ""))
  );
}
