/**
 * Creates the configured token store.
 *
 * @module
 */
import type { TokenCacheConfig } from "../../config/keys/token_cache.ts";
import type { Logger } from "../../telemetry/logger.ts";
import type { Metrics } from "../../telemetry/metrics.ts";
import { type Clock, systemClock } from "../../network/clock.ts";
import { EncryptedTokenStore } from "./encrypted_token_store.ts";
import { GuardedTokenStore } from "./guarded_token_store.ts";
import { KvFile, KvService } from "./kv_location.ts";
import { KvTokenStore } from "./kv_token_store.ts";
import { MemoryTokenStore } from "./memory_token_store.ts";
import type { StringStore, TokenStore } from "../token.ts";
import { RedisTokenStore } from "./redis_token_store.ts";

/** In the state directory. */
const KV_FILE = "tokens.kv";

/**
 * Creates the token store that all servers of a worker share. It connects at first use; the caller
 * closes it after the authorizers.
 *
 * @throws {GatewayError} CFG-002 for an invalid key.
 */
export function createTokenStore(
  config: TokenCacheConfig,
  collaborators: {
    /** Absolute path; the gateway may write there. */
    readonly stateDirectory: string;
    readonly metrics: Pick<Metrics, "cacheErrors">;
    readonly logger: Logger;
    readonly clock?: Clock;
  },
): GuardedTokenStore {
  const { stateDirectory, metrics, logger, clock = systemClock } = collaborators;
  return new GuardedTokenStore(createStore(), { metrics, logger, clock });

  function createStore(): TokenStore {
    switch (config.backend) {
      case "memory":
        return new MemoryTokenStore(clock);
      case "kv": {
        const location = config.url === undefined
          ? new KvFile(`${stateDirectory}/${KV_FILE}`)
          : new KvService(config.url);
        return encrypted(new KvTokenStore(location, clock), config);
      }
      case "redis":
        return encrypted(new RedisTokenStore(config.url), config);
    }
  }

  function encrypted(
    raw: StringStore,
    { encryptionKeys: keys }: Exclude<TokenCacheConfig, { readonly backend: "memory" }>,
  ): TokenStore {
    return new EncryptedTokenStore(raw, { keys, metrics, logger, clock });
  }
}
