/**
 * Tokens in Redis. A connection on which no answer comes is given up for a new one.
 *
 * @module
 */
import type { Secret } from "../../config/values/secret.ts";
import type { StringStore } from "../token.ts";
import { NoAnswerError, type RedisClient, RedisConnection } from "./redis_connection.ts";

/** Takes or extends a lease: a set with NX would refuse the holder itself. */
const ACQUIRE_LEASE = `
local holder = redis.call("GET", KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
redis.call("SET", KEYS[1], ARGV[1], "PX", ARGV[2])
return 1`;

/** Deletes a lease only if it is still the holder's. */
const RELEASE_LEASE = `
if redis.call("GET", KEYS[1]) == ARGV[1] then return redis.call("DEL", KEYS[1]) end
return 0`;

/** Keeps strings in Redis. */
export class RedisTokenStore implements StringStore {
  readonly #url: Secret;
  #connection: RedisConnection;

  /** @param url `redis://` or `rediss://` URL. */
  constructor(url: Secret) {
    this.#url = url;
    this.#connection = new RedisConnection(url);
  }

  /** Connects, or attempts to. */
  open(): Promise<void> {
    return this.#connection.open();
  }

  /** @returns The string under this key, or nothing where it is absent. */
  async get(key: string): Promise<string | undefined> {
    return (await this.#use((client) => client.get(tokenKey(key)))) ?? undefined;
  }

  /** Keeps a string. */
  async set(key: string, value: string, ttlMs: number): Promise<void> {
    const expiration = { type: "PX", value: Math.ceil(ttlMs) } as const;
    await this.#use((client) => client.set(tokenKey(key), value, { expiration }));
  }

  /** Drops the string under this key. */
  async delete(key: string): Promise<void> {
    await this.#use((client) => client.del(tokenKey(key)));
  }

  /** @returns Whether the lease is now the holder's; one already the holder's is extended. */
  async acquireLease(key: string, holder: string, ttlMs: number): Promise<boolean> {
    const script = { keys: [leaseKey(key)], arguments: [holder, String(Math.ceil(ttlMs))] };
    return await this.#use((client) => client.eval(ACQUIRE_LEASE, script)) === 1;
  }

  /** Gives the lease back, if it is still the holder's. */
  async releaseLease(key: string, holder: string): Promise<void> {
    const script = { keys: [leaseKey(key)], arguments: [holder] };
    await this.#use((client) => client.eval(RELEASE_LEASE, script));
  }

  /** @returns The generation of the tokens under this key, `""` before the first. */
  async generation(key: string): Promise<string> {
    return (await this.#use((client) => client.get(generationKey(key)))) ?? "";
  }

  /** Begins another generation of the tokens under this key. */
  async setGeneration(key: string, generation: string, ttlMs: number): Promise<void> {
    const expiration = { type: "PX", value: Math.ceil(ttlMs) } as const;
    await this.#use((client) => client.set(generationKey(key), generation, { expiration }));
  }

  /** @throws When Redis does not answer. */
  async ping(): Promise<void> {
    await this.#use((client) => client.ping());
  }

  /** Closes the connection. */
  close(): Promise<void> {
    this.#connection.close();
    return Promise.resolve();
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

function tokenKey(key: string): string {
  return `dicomweb-gateway:token:${key}`;
}

function generationKey(key: string): string {
  return `dicomweb-gateway:generation:${key}`;
}

function leaseKey(key: string): string {
  return `dicomweb-gateway:lease:${key}`;
}
