/**
 * Creates token validators with their configured source of keys.
 */
import type {
  TokenValidationConfig,
  VerificationKeys,
} from "../../config/schemes/token_validation.ts";
import { JwksCache } from "./jwks_cache.ts";
import { ConfiguredKeySet, type KeySet } from "./key_set.ts";
import { type ProviderConnection, secretsOf } from "../provider_exchange.ts";
import { explainKeySetUrl } from "../oauth2/provider_metadata.ts";
import { readDiscoveryDocument } from "../oauth2/token_endpoint_discovery.ts";
import { TokenValidator } from "./token_validator.ts";

/** Fetches nothing before the first token. */
export function createTokenValidator(
  rules: TokenValidationConfig,
  connection: ProviderConnection,
): TokenValidator {
  return new TokenValidator({
    rules,
    keys: createKeySet(rules.keys, connection),
    clock: connection.clock,
  });
}

function createKeySet(keys: VerificationKeys, connection: ProviderConnection): KeySet {
  switch (keys.from) {
    case "configuration":
      return new ConfiguredKeySet(keys.publicJwk);
    case "url":
      return new JwksCache({ ...connection, locate: () => keys.url });
    case "discovery": {
      const { discovery: configured } = keys;
      const { server } = connection;
      const locate = async (signal: AbortSignal) =>
        explainKeySetUrl(await readDiscoveryDocument(connection, configured, signal), {
          server,
          configured,
          secrets: secretsOf(connection),
        });
      return new JwksCache({ ...connection, locate });
    }
  }
}
