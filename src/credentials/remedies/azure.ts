/**
 * What Microsoft Entra ID and Azure's metadata services refuse, and what to do about it. Entra's
 * numbers (AADSTS…) are no other provider's, so that they are recognised at any host.
 *
 * @module
 */
import type { Remedy } from "./remedy.ts";

/** Source: learn.microsoft.com/entra/identity-platform/reference-error-codes. */
export const azureRemedies: readonly Remedy[] = [
  {
    text: /AADSTS7000215\b/,
    code: "AUTH-001",
    steps: [
      "Entra: put the value of the client secret into ClientSecret, not its identifier (Secret ID)",
    ],
  },
];
