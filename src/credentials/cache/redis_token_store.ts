/**
 * Tokens in Redis.
 */
import type { RedisLocation } from "../../config/keys/redis_location.ts";
import type { StringStore } from "./token_store.ts";
import { listedNodes } from "./redis_client.ts";
import { RedisConnection } from "./redis_connection.ts";

/** SET with NX would not let the holder extend its lease. */
const ACQUIRE_LEASE = `
local holder = redis.call("GET", KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
redis.call("SET", KEYS[1], ARGV[1], "PX", ARGV[2])
return 1`;

const RELEASE_LEASE = `
if redis.call("GET", KEYS[1]) == ARGV[1] then return redis.call("DEL", KEYS[1]) end
return 0`;

export class RedisTokenStore implements StringStore {
  readonly #location: RedisLocation;
  readonly #redis: RedisConnection;

  constructor(location: RedisLocation) {
    this.#location = location;
    this.#redis = new RedisConnection(location);
  }

  open(): Promise<void> {
    return this.#redis.open();
  }

  async get(key: string): Promise<string | undefined> {
    return await this.#get(redisKey("token", key));
  }

  set(key: string, value: string, ttlMs: number): Promise<void> {
    return this.#set(redisKey("token", key), value, ttlMs);
  }

  async delete(key: string): Promise<void> {
    await this.#redis.use((client) => client.del(redisKey("token", key)));
  }

  async acquireLease(key: string, holder: string, ttlMs: number): Promise<boolean> {
    const script = {
      keys: [redisKey("lease", key)],
      arguments: [holder, String(Math.ceil(ttlMs))],
    };
    return await this.#redis.use((client) => client.eval(ACQUIRE_LEASE, script)) === 1;
  }

  async releaseLease(key: string, holder: string): Promise<void> {
    const script = { keys: [redisKey("lease", key)], arguments: [holder] };
    await this.#redis.use((client) => client.eval(RELEASE_LEASE, script));
  }

  async generation(key: string): Promise<string> {
    return await this.#get(redisKey("generation", key)) ?? "";
  }

  setGeneration(key: string, generation: string, ttlMs: number): Promise<void> {
    return this.#set(redisKey("generation", key), generation, ttlMs);
  }

  /** @throws If a cluster has a primary that the configuration does not list. */
  async verify(): Promise<void> {
    // It sends no command: its success would hide why one server cannot be reached.
    if (this.#location.mode !== "cluster") return;
    const listed = listedNodes(this.#location.urls);
    await this.#redis.use(({ masters = [] }) => {
      for (const { address } of masters) listed(address);
      return Promise.resolve();
    });
  }

  close(): Promise<void> {
    this.#redis.close();
    return Promise.resolve();
  }

  async #get(key: string): Promise<string | undefined> {
    const value: unknown = await this.#redis.use((client) => client.get(key));
    // The library passes on whatever the server answers.
    if (value === null || typeof value === "string") return value ?? undefined;
    throw new Error("Cannot read a value of Redis: the answer is not a string");
  }

  async #set(key: string, value: string, ttlMs: number): Promise<void> {
    const expiration = { type: "PX", value: Math.ceil(ttlMs) } as const;
    await this.#redis.use((client) => client.set(key, value, { expiration }));
  }
}

function redisKey(kind: "token" | "generation" | "lease", key: string): string {
  return `dicomweb-gateway:${kind}:${key}`;
}
