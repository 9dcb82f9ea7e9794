/**
 * Tokens in Redis. A connection that does not respond is replaced.
 *
 * @module
 */
import type { Secret } from "../../config/values/secret.ts";
import type { StringStore } from "./token_store.ts";
import { NoAnswerError, type RedisClient, RedisConnection } from "./redis_connection.ts";

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
  readonly #url: Secret;
  #connection: RedisConnection;

  /** @param url `redis://` or `rediss://` URL. */
  constructor(url: Secret) {
    this.#url = url;
    this.#connection = new RedisConnection(url);
  }

  open(): Promise<void> {
    return this.#connection.open();
  }

  async get(key: string): Promise<string | undefined> {
    return (await this.#use((client) => client.get(redisKey("token", key)))) ?? undefined;
  }

  set(key: string, value: string, ttlMs: number): Promise<void> {
    return this.#set(redisKey("token", key), value, ttlMs);
  }

  async delete(key: string): Promise<void> {
    await this.#use((client) => client.del(redisKey("token", key)));
  }

  async acquireLease(key: string, holder: string, ttlMs: number): Promise<boolean> {
    const script = {
      keys: [redisKey("lease", key)],
      arguments: [holder, String(Math.ceil(ttlMs))],
    };
    return await this.#use((client) => client.eval(ACQUIRE_LEASE, script)) === 1;
  }

  async releaseLease(key: string, holder: string): Promise<void> {
    const script = { keys: [redisKey("lease", key)], arguments: [holder] };
    await this.#use((client) => client.eval(RELEASE_LEASE, script));
  }

  async generation(key: string): Promise<string> {
    return (await this.#use((client) => client.get(redisKey("generation", key)))) ?? "";
  }

  setGeneration(key: string, generation: string, ttlMs: number): Promise<void> {
    return this.#set(redisKey("generation", key), generation, ttlMs);
  }

  async ping(): Promise<void> {
    await this.#use((client) => client.ping());
  }

  close(): Promise<void> {
    this.#connection.close();
    return Promise.resolve();
  }

  async #set(key: string, value: string, ttlMs: number): Promise<void> {
    const expiration = { type: "PX", value: Math.ceil(ttlMs) } as const;
    await this.#use((client) => client.set(key, value, { expiration }));
  }

  async #use<T>(operate: (client: RedisClient) => Promise<T>): Promise<T> {
    const connection = this.#connection;
    try {
      return await connection.use(operate);
    } catch (error) {
      if (error instanceof NoAnswerError && connection === this.#connection) {
        connection.close();
        this.#connection = new RedisConnection(this.#url);
      }
      throw error;
    }
  }
}

function redisKey(kind: "token" | "generation" | "lease", key: string): string {
  return `dicomweb-gateway:${kind}:${key}`;
}
