/**
 * Creates the source of Google's tokens that the configuration names.
 */
import type { GoogleCredentials } from "../../config/schemes/google/google_credentials.ts";
import type { ProviderConnection } from "../provider_exchange.ts";
import type { TokenSource } from "../token.ts";
import { authorizedUserSource } from "./authorized_user_source.ts";
import { federationSource } from "./federation_source.ts";
import { IMPERSONATION_SCOPE, impersonationSource } from "./impersonation_source.ts";
import { metadataSource } from "./metadata_source.ts";
import { serviceAccountSource } from "./service_account_source.ts";

/** Creates the configured source, behind that of the service account to impersonate if there is one. */
export function createGoogleSource(
  credentials: GoogleCredentials,
  connection: ProviderConnection,
): TokenSource {
  const { impersonation, scope, audience } = credentials;
  if (impersonation === undefined) return ownSource(credentials, scope, connection, audience);
  const own = ownSource(credentials, IMPERSONATION_SCOPE, connection);
  return impersonationSource(own, impersonation, scope, connection, audience);
}

/** @param audience Of ID tokens in place of access tokens. */
function ownSource(
  { grant }: GoogleCredentials,
  scope: string,
  connection: ProviderConnection,
  audience?: string,
): TokenSource {
  switch (grant.type) {
    case "service_account":
      return serviceAccountSource(grant, scope, connection, audience);
    case "authorized_user":
      return authorizedUserSource(grant, scope, connection);
    case "metadata":
      return metadataSource(grant, scope, connection, audience);
    case "external_account":
      return federationSource(grant, scope, connection);
  }
}
