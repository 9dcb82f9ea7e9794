/**
 * Tokens in Redis. The connection is made when first needed and again in the background whenever
 * it is lost; while there is none, every operation fails at once.
 *
 * @module
 */
import { createClient } from "@redis/client";
import type { Secret } from "../config/secret.ts";
import { GatewayError } from "../errors/gateway_error.ts";
import type { RawTokenStore } from "./raw_token_store.ts";

/** Limit of making a connection. */
const CONNECT_TIMEOUT_MS = 2000;

/** A connection on which nothing is heard for so long is given up. */
const PING_INTERVAL_MS = 10_000;

const FIRST_RECONNECT_MS = 50;
const SLOWEST_RECONNECT_MS = 1000;

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

type Client = ReturnType<typeof createRedisClient>;

/** Keeps strings in Redis. */
export class RedisTokenStore implements RawTokenStore {
  readonly #client: Client;
  #firstAttempt: Promise<void> | undefined;

  /**
   * @param url `redis://` or `rediss://` URL.
   * @throws {GatewayError} CFG-002 where it is no such URL.
   */
  constructor(url: Secret) {
    this.#client = createRedisClient(url);
    // Without a listener a lost connection would end the worker; each operation tells by itself.
    this.#client.on("error", () => {});
  }

  /** @returns The string under this key, or nothing where it is absent. */
  async get(key: string): Promise<string | undefined> {
    const client = await this.#connected();
    return (await client.get(tokenKey(key))) ?? undefined;
  }

  /** Keeps a string. */
  async set(key: string, value: string, ttlMs: number): Promise<void> {
    const client = await this.#connected();
    await client.set(tokenKey(key), value, {
      expiration: { type: "PX", value: Math.ceil(ttlMs) },
    });
  }

  /** Drops the string under this key. */
  async delete(key: string): Promise<void> {
    const client = await this.#connected();
    await client.del(tokenKey(key));
  }

  /** @returns Whether the lease is now the holder's; one already the holder's is extended. */
  async acquireLease(key: string, holder: string, ttlMs: number): Promise<boolean> {
    const client = await this.#connected();
    const taken = await client.eval(ACQUIRE_LEASE, {
      keys: [leaseKey(key)],
      arguments: [holder, String(Math.ceil(ttlMs))],
    });
    return taken === 1;
  }

  /** Gives the lease back, if it is still the holder's. */
  async releaseLease(key: string, holder: string): Promise<void> {
    const client = await this.#connected();
    await client.eval(RELEASE_LEASE, { keys: [leaseKey(key)], arguments: [holder] });
  }

  /** @throws When Redis does not answer. */
  async ping(): Promise<void> {
    const client = await this.#connected();
    await client.ping();
  }

  /** Closes the connection. */
  close(): Promise<void> {
    if (this.#client.isOpen) this.#client.destroy();
    return Promise.resolve();
  }

  /** Waits for the first attempt to connect only: later ones must not hold up anything. */
  async #connected(): Promise<Client> {
    this.#firstAttempt ??= new Promise((resolve) => {
      this.#client.once("ready", resolve);
      this.#client.once("error", resolve);
      this.#client.connect().catch(() => resolve());
    });
    await this.#firstAttempt;
    return this.#client;
  }
}

function createRedisClient(url: Secret) {
  try {
    return createClient({
      url: url.reveal(),
      disableOfflineQueue: true,
      // Neither needs more than the connection: the worker may not read the environment.
      maintNotifications: "disabled",
      disableClientInfo: true,
      pingInterval: PING_INTERVAL_MS,
      socket: {
        connectTimeout: CONNECT_TIMEOUT_MS,
        socketTimeout: 2 * PING_INTERVAL_MS,
        reconnectStrategy: (retries) =>
          Math.min(FIRST_RECONNECT_MS * 2 ** Math.min(retries, 10), SLOWEST_RECONNECT_MS),
      },
    });
  } catch {
    // Without the cause: its message repeats the URL, which may hold a password.
    throw new GatewayError("CFG-002", "Cannot use the Url of TokenCache: it is no Redis URL");
  }
}

function tokenKey(key: string): string {
  return `dicomweb-gateway:token:${key}`;
}

function leaseKey(key: string): string {
  return `dicomweb-gateway:lease:${key}`;
}
