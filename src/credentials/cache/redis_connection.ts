/**
 * A connection to Redis that is made when first needed and again in the background whenever it is
 * lost. While there is none every command fails at once, and says why there is none.
 *
 * @module
 */
import type { Secret } from "../../config/values/secret.ts";
import { GatewayError } from "../../errors/gateway_error.ts";
import { limited } from "../../network/wait.ts";

/** Limit of making a TCP or TLS connection, and of waiting for the first one. */
const CONNECT_TIMEOUT_MS = 2000;

/** Limit of waiting for the answer to a command. */
const ANSWER_TIMEOUT_MS = 800;

/** Pings keep a healthy connection from being taken for a dead one. */
const PING_INTERVAL_MS = 10_000;

/** Without traffic for so long the connection is dead: it may hang before the first ping. */
const IDLE_TIMEOUT_MS = 25_000;

const FIRST_RECONNECT_MS = 50;
const SLOWEST_RECONNECT_MS = 1000;

/** The library is loaded where Redis is used: it would take a fifth of every start. */
type Library = typeof import("@redis/client");

/** The client of the library. */
export type RedisClient = ReturnType<typeof createRedisClient>;

/** A command was sent and no answer came. */
export class NoAnswerError extends Error {
  /** Makes the error. */
  constructor() {
    super(`no answer within ${ANSWER_TIMEOUT_MS} ms`);
  }
}

interface Loaded {
  readonly library: Library;
  readonly client: RedisClient;
  /** Ends when the first attempt to connect did, whatever came of it. */
  readonly attempted: Promise<void>;
}

/** One connection at a time. */
export class RedisConnection {
  readonly #url: Secret;
  #loaded: Promise<Loaded> | undefined;
  #client: RedisClient | undefined;
  #lastError: unknown;
  #isClosed = false;

  /** @param url `redis://` or `rediss://` URL. */
  constructor(url: Secret) {
    this.#url = url;
  }

  /** Loads the library and connects, or attempts to: the commands say what went wrong. */
  async open(): Promise<void> {
    try {
      const { attempted } = await this.#load();
      await limited(attempted, CONNECT_TIMEOUT_MS, () => new Error("still connecting"));
    } catch {
      // As above.
    }
  }

  /**
   * Sends a command.
   *
   * @throws {NoAnswerError} When none came in time.
   * @throws {GatewayError} CFG-002 where the URL is none of Redis.
   * @throws When there is no connection, or Redis refuses.
   */
  async use<T>(command: (client: RedisClient) => Promise<T>): Promise<T> {
    // Without a limit: loading the library waits for nothing but this machine.
    const { library, client, attempted } = await this.#load();
    await limited(attempted, ANSWER_TIMEOUT_MS, () => new Error("still connecting"));
    try {
      return await limited(command(client), ANSWER_TIMEOUT_MS, () => new NoAnswerError());
    } catch (error) {
      if (!(error instanceof library.ClientOfflineError)) throw error;
      // The bare truth that it is offline helps no one who reads the log.
      throw new Error(`not connected: ${messageOf(this.#lastError)}`, { cause: error });
    }
  }

  /** Closes it for good. */
  close(): void {
    this.#isClosed = true;
    if (this.#client?.isOpen) this.#client.destroy();
  }

  #load(): Promise<Loaded> {
    return this.#loaded ??= this.#start();
  }

  async #start(): Promise<Loaded> {
    const library = await import("@redis/client");
    const client = this.#client = createRedisClient(library, this.#url);
    // Without a listener a lost connection would end the worker.
    client.on("error", (error: unknown) => this.#lastError = error);
    // Only the first attempt is waited for: later ones must not hold up anything.
    const attempted = this.#isClosed ? Promise.resolve() : new Promise<void>((resolve) => {
      client.once("ready", resolve);
      client.once("error", () => resolve());
      client.connect().catch(() => resolve());
    });
    return { library, client, attempted };
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error && error.message !== "" ? error.message : "connection failed";
}

function createRedisClient({ createClient }: Library, url: Secret) {
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
