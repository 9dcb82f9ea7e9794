/**
 * Finds the remedy that an identity provider's documentation gives for its error response.
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

/** The first matching row counts. */
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

/** Finds the remedy for an error response; undefined if only the catalogue's steps apply. */
export function findAdvice(refusal: ProviderRefusal): Advice | undefined {
  const provider = refusal.provider ?? providerOf(refusal.endpoint);
  return providerAdvice.find((row) =>
    (row.provider === undefined || row.provider === provider) &&
    (row.status === undefined || row.status === refusal.status) &&
    (row.error === undefined || row.error === refusal.error) &&
    (row.text === undefined || row.text.test(refusal.description ?? ""))
  );
}
