/**
 * A connection to Redis, made at first use, restored in the background when lost, and replaced when it
 * does not respond. While there is none, commands fail at once with the reason.
 */
import type { Secret } from "../../config/values/secret.ts";
import { GatewayError } from "../../errors/gateway_error.ts";
import { limited } from "../../network/wait.ts";

/** For a TCP or TLS connection, and for waiting for the first one. */
const CONNECT_TIMEOUT_MS = 2000;

const RESPONSE_TIMEOUT_MS = 800;

/** Pings distinguish an idle connection from a dead one. */
const PING_INTERVAL_MS = 10_000;

/** Without traffic for this time the connection is dead: it may hang before the first ping. */
const IDLE_TIMEOUT_MS = 25_000;

const FIRST_RECONNECT_MS = 50;
const SLOWEST_RECONNECT_MS = 1000;

/** Imported only if Redis is used: loading takes a fifth of the start-up time. */
type Library = typeof import("@redis/client");

type RedisClient = ReturnType<typeof createRedisClient>;

/** Redis did not respond to a command in time. */
class NoAnswerError extends Error {}

interface Loaded {
  readonly library: Library;
  readonly client: RedisClient;
  /** Resolves when the first attempt to connect has succeeded or failed. */
  readonly attempted: Promise<void>;
}

export class RedisConnection {
  readonly #url: Secret;
  #loaded: Promise<Loaded> | undefined;
  #client: RedisClient | undefined;
  #lastError: unknown;
  #isClosed = false;

  constructor(url: Secret) {
    this.#url = url;
  }

  /** Loads the library and tries to connect; commands report a failure. */
  async open(): Promise<void> {
    await (this.#loaded ??= this.#start())
      .then(({ attempted }) => limited(attempted, CONNECT_TIMEOUT_MS, stillConnecting))
      .catch(() => {});
  }

  /**
   * Sends a command.
   *
   * @throws {GatewayError} CFG-002 for an invalid URL.
   * @throws Without a connection, on a timeout, or if Redis rejects the command.
   */
  async use<T>(command: (client: RedisClient) => Promise<T>): Promise<T> {
    // Without a timeout: loading the library is local.
    const loaded = this.#loaded ??= this.#start();
    const { library, client, attempted } = await loaded;
    await limited(attempted, RESPONSE_TIMEOUT_MS, stillConnecting);
    try {
      return await limited(command(client), RESPONSE_TIMEOUT_MS, noAnswer);
    } catch (error) {
      if (error instanceof NoAnswerError && loaded === this.#loaded) {
        this.#loaded = undefined;
        if (client.isOpen) client.destroy();
      }
      if (!(error instanceof library.ClientOfflineError)) throw error;
      // The reason for the log, instead of the library's "offline".
      throw new Error(`not connected: ${messageOf(this.#lastError)}`, { cause: error });
    }
  }

  close(): void {
    this.#isClosed = true;
    if (this.#client?.isOpen) this.#client.destroy();
  }

  async #start(): Promise<Loaded> {
    const library = await import("@redis/client");
    const client = this.#client = createRedisClient(library, this.#url);
    // Without a listener, a lost connection would terminate the worker.
    client.on("error", (error: unknown) => this.#lastError = error);
    // Commands wait for the first attempt only, not for reconnecting.
    const attempted = this.#isClosed ? Promise.resolve() : new Promise<void>((resolve) => {
      client.once("ready", resolve);
      client.once("error", () => resolve());
      client.connect().catch(() => resolve());
    });
    return { library, client, attempted };
  }
}

function noAnswer(): NoAnswerError {
  return new NoAnswerError(`no answer within ${RESPONSE_TIMEOUT_MS} ms`);
}

function stillConnecting(): Error {
  return new Error("still connecting");
}

function messageOf(error: unknown): string {
  return error instanceof Error && error.message !== "" ? error.message : "connection failed";
}

function createRedisClient({ createClient }: Library, url: Secret) {
  try {
    return createClient({
      url: url.reveal(),
      disableOfflineQueue: true,
      // Reads the environment, which the worker may not.
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
    // Without the cause: its message repeats the URL, which may contain a password.
    throw new GatewayError("CFG-002", "Cannot use the Url of TokenCache: it is no Redis URL");
  }
}
