/**
 * What Google's token endpoints and metadata server refuse, and what to do about it.
 *
 * @module
 */
import type { Remedy } from "./remedy.ts";

/** Source: developers.google.com/identity/protocols/oauth2/service-account. */
export const googleRemedies: readonly Remedy[] = [
  {
    provider: "google",
    error: "invalid_grant",
    text: /Invalid JWT Signature/,
    code: "AUTH-001",
    steps: [
      "Google: the service account's key was deleted or disabled; create a new one in the console",
    ],
  },
];
