/**
 * Chooses where tokens of Google come from.
 *
 * @module
 */
import type { GoogleCredentials } from "../../config/schemes/google/google_credentials.ts";
import type { ProviderConnection } from "../provider_exchange.ts";
import type { TokenSource } from "../token.ts";
import { AuthorizedUserSource } from "./authorized_user_source.ts";
import { FederationSource } from "./federation_source.ts";
import { IMPERSONATION_SCOPE, ImpersonationSource } from "./impersonation_source.ts";
import { MetadataSource } from "./metadata_source.ts";
import { ServiceAccountSource } from "./service_account_source.ts";

/** Creates the source of the configured tokens. */
export function createGoogleSource(
  credentials: GoogleCredentials,
  connection: ProviderConnection,
): TokenSource {
  const { impersonation, scope } = credentials;
  if (impersonation === undefined) return firstSource(credentials, scope, connection);
  const own = firstSource(credentials, IMPERSONATION_SCOPE, connection);
  return new ImpersonationSource(own, impersonation, scope, connection);
}

function firstSource(
  { grant }: GoogleCredentials,
  scope: string,
  connection: ProviderConnection,
): TokenSource {
  switch (grant.type) {
    case "service_account":
      return new ServiceAccountSource(grant, scope, connection);
    case "authorized_user":
      return new AuthorizedUserSource(grant, scope, connection);
    case "metadata":
      return new MetadataSource(grant, scope, connection);
    case "external_account":
      return new FederationSource(grant, scope, connection);
  }
}
