/**
 * Builds what finds out who clients are from what the configuration says about it.
 *
 * @module
 */
import type { AuthenticationConfig } from "../config/inbound/authentication.ts";
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

/** What it is built with. */
export interface AuthenticatorCollaborators {
  /** The table of failed attempts, shared by all workers. */
  readonly failures: SharedArrayBuffer;
  /** Makes a client that trusts certificates besides those of the system. */
  readonly client: (caCertificatesPem: readonly string[]) => Pick<HttpClient, "send">;
}

/** Limit of getting keys from start to end; the key cache takes half of it for one try. */
const KEYS_TIMEOUT_MS = 20_000;

/**
 * Builds the authenticator.
 *
 * @param config Who may call.
 */
export function createAuthenticator(
  config: AuthenticationConfig,
  { failures, client }: AuthenticatorCollaborators,
): Authenticator {
  const { users, apiKeys, issuers } = config;
  const { now } = systemClock;
  const trusted = [...issuers.values()].map((issuer): TrustedIssuer => {
    const connection = {
      server: issuer.name,
      http: client(issuer.caCertificatesPem),
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
