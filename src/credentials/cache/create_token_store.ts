/**
 * Chooses the token store that the configuration names.
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

/** Name of the KV file in the state directory. */
const KV_FILE = "tokens.kv";

/** What a token store works with. */
export interface TokenStoreCollaborators {
  /** Absolute path of the directory the gateway may write to. */
  readonly stateDirectory: string;
  readonly metrics: Pick<Metrics, "cacheErrors">;
  readonly logger: Logger;
  /** The runtime's unless given. */
  readonly clock?: Clock;
}

/**
 * Creates the token store that all servers of a worker share. It connects when first used.
 *
 * @returns The store; whoever made it closes it, after the authorizers.
 * @throws {GatewayError} CFG-002 where a key or URL cannot be used.
 */
export function createTokenStore(
  config: TokenCacheConfig,
  collaborators: TokenStoreCollaborators,
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
      default:
        throw new TypeError(`Unknown token cache: ${config satisfies never}`);
    }
  }

  function encrypted(
    raw: StringStore,
    { encryptionKeys: keys }: Exclude<TokenCacheConfig, { readonly backend: "memory" }>,
  ): TokenStore {
    return new EncryptedTokenStore(raw, { keys, metrics, logger, clock });
  }
}
