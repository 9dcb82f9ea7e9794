/**
 * A connection to Redis that is made when first needed and again in the background whenever it is
 * lost. While there is none every command fails at once, and says why there is none.
 *
 * @module
 */
import { ClientOfflineError, createClient } from "@redis/client";
import type { Secret } from "../config/secret.ts";
import { GatewayError } from "../errors/gateway_error.ts";
import { limited } from "./time_limit.ts";

/** Limit of making a TCP or TLS connection. */
const CONNECT_TIMEOUT_MS = 2000;

/** Limit of waiting for the answer to a command. */
const ANSWER_TIMEOUT_MS = 800;

/** Pings keep a healthy connection from being taken for a dead one. */
const PING_INTERVAL_MS = 10_000;

/** Without traffic for so long the connection is dead: it may hang before the first ping. */
const IDLE_TIMEOUT_MS = 25_000;

const FIRST_RECONNECT_MS = 50;
const SLOWEST_RECONNECT_MS = 1000;

/** The client of the library. */
export type RedisClient = ReturnType<typeof createRedisClient>;

/** A command was sent and no answer came. */
export class NoAnswerError extends Error {
  /** Makes the error. */
  constructor() {
    super(`no answer within ${ANSWER_TIMEOUT_MS} ms`);
  }
}

/** One connection at a time. */
export class RedisConnection {
  readonly #client: RedisClient;
  #firstAttempt: Promise<void> | undefined;
  #lastError: unknown;

  /**
   * @param url `redis://` or `rediss://` URL.
   * @throws {GatewayError} CFG-002 where it is no such URL.
   */
  constructor(url: Secret) {
    this.#client = createRedisClient(url);
    // Without a listener a lost connection would end the worker.
    this.#client.on("error", (error: unknown) => this.#lastError = error);
  }

  /**
   * Sends a command.
   *
   * @param command What to send.
   * @returns The answer.
   * @throws {NoAnswerError} When none came in time.
   * @throws When there is no connection, or Redis refuses.
   */
  async use<T>(command: (client: RedisClient) => Promise<T>): Promise<T> {
    await limited(this.#connect(), ANSWER_TIMEOUT_MS, () => new Error("still connecting"));
    try {
      return await limited(command(this.#client), ANSWER_TIMEOUT_MS, () => new NoAnswerError());
    } catch (error) {
      if (!(error instanceof ClientOfflineError)) throw error;
      // The bare truth that it is offline helps no one who reads the log.
      throw new Error(`not connected: ${messageOf(this.#lastError)}`, { cause: error });
    }
  }

  /** Closes it for good. */
  close(): void {
    if (this.#client.isOpen) this.#client.destroy();
  }

  /** Waits for the first attempt to connect only: later ones must not hold up anything. */
  #connect(): Promise<void> {
    return this.#firstAttempt ??= new Promise((resolve) => {
      this.#client.once("ready", resolve);
      this.#client.once("error", () => resolve());
      this.#client.connect().catch(() => resolve());
    });
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error && error.message !== "" ? error.message : "connection failed";
}

function createRedisClient(url: Secret) {
  try {
    return createClient({
      url: url.reveal(),
      disableOfflineQueue: true,
      // It reads the environment, which the worker may not.
      maintNotifications: "disabled",
      disableClientInfo: true,
      pingInterval: PING_INTERVAL_MS,
      socket: {
        connectTimeout: CONNECT_TIMEOUT_MS,
        socketTimeout: IDLE_TIMEOUT_MS,
        reconnectStrategy: (retries) =>
          Math.min(FIRST_RECONNECT_MS * 2 ** Math.min(retries, 10), SLOWEST_RECONNECT_MS),
      },
    });
  } catch {
    // Without the cause: its message repeats the URL, which may hold a password.
    throw new GatewayError("CFG-002", "Cannot use the Url of TokenCache: it is no Redis URL");
  }
}
