/**
 * Creates the configured token store.
 */
import type { TokenCacheConfig } from "../../config/keys/token_cache.ts";
import type { Logger } from "../../telemetry/logger.ts";
import type { Metrics } from "../../telemetry/metrics.ts";
import { type Clock, systemClock } from "../../network/clock.ts";
import { KvFile, kvService } from "./kv_location.ts";
import { KvTokenStore } from "./kv_token_store.ts";
import { RedisTokenStore } from "./redis_token_store.ts";
import { TokenCipher } from "./token_cipher.ts";
import { type StringStore, TokenStore } from "./token_store.ts";

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
  { stateDirectory, metrics, logger, clock = systemClock, onHealth }: {
    /** Absolute path; the gateway may write there. */
    readonly stateDirectory: string;
    readonly metrics: Pick<Metrics, "cacheErrors">;
    readonly logger: Logger;
    readonly clock?: Clock;
    /** Receives why the cache fails, and undefined when it works again. */
    readonly onHealth?: (fault: string | undefined) => void;
  },
): TokenStore {
  return new TokenStore(createBackend(), { metrics, logger, clock, onHealth });

  function createBackend() {
    if (config.backend === "memory") return undefined;
    return { strings: createStringStore(config), cipher: new TokenCipher(config.encryptionKeys) };
  }

  function createStringStore(
    config: Exclude<TokenCacheConfig, { readonly backend: "memory" }>,
  ): StringStore {
    if (config.backend === "redis") return new RedisTokenStore(config.location);
    const location = config.url === undefined
      ? new KvFile(`${stateDirectory}/${KV_FILE}`)
      : kvService(config.url);
    return new KvTokenStore(location, clock);
  }
}
