/**
 * Builds the authenticator of clients from the configuration.
 */
import type { AuthenticationConfig } from "../config/inbound/authentication.ts";
import type { IssuerConfig } from "../config/inbound/issuers.ts";
import { systemClock } from "../network/clock.ts";
import { createTokenValidator } from "../credentials/validation/create_token_validator.ts";
import { ApiKeys } from "../credentials/inbound/api_keys.ts";
import { BearerTokens, type TrustedIssuer } from "../credentials/inbound/bearer_tokens.ts";
import { Passwords } from "../credentials/inbound/passwords.ts";
import { VerifiedCredentials } from "../credentials/inbound/verified_credentials.ts";
import { Authenticator } from "../gateway/steps/authenticator.ts";
import { FailureThrottle } from "../gateway/steps/failure_throttle.ts";
import { QuotaTable } from "../gateway/steps/quota_table.ts";
import type { HttpClient } from "../network/http_client.ts";

/** Limit of fetching an issuer's keys; the key cache uses half of it per attempt. */
const KEYS_TIMEOUT_MS = 20_000;

export function createAuthenticator(
  { users, apiKeys, issuers }: AuthenticationConfig,
  { failures, client }: {
    /** Memory of failed authentications, shared by all workers. */
    readonly failures: SharedArrayBuffer;
    /** Creates a client for an issuer. */
    readonly client: (issuer: IssuerConfig) => Pick<HttpClient, "send">;
  },
): Authenticator {
  const { now } = systemClock;
  const trusted = [...issuers.values()].map((issuer): TrustedIssuer => {
    const connection = {
      server: issuer.name,
      http: client(issuer),
      timeoutMs: KEYS_TIMEOUT_MS,
      clock: systemClock,
    };
    return { config: issuer, validator: createTokenValidator(issuer.validation, connection) };
  });
  return new Authenticator({
    passwords: users.size === 0 ? undefined : new Passwords(users),
    apiKeys: apiKeys && { header: apiKeys.header, keys: new ApiKeys(apiKeys.keys) },
    tokens: trusted.length === 0 ? undefined : new BearerTokens(trusted, now),
    verified: new VerifiedCredentials(now),
    throttle: new FailureThrottle(new QuotaTable(failures, now)),
    now,
  });
}
