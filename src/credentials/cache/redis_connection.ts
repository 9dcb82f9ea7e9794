/**
 * A connection to Redis, made at first use, restored in the background when lost, and replaced when it
 * does not respond or leads to a server that no longer serves. While there is none, commands fail at once
 * with the reason.
 */
import type { RedisLocation } from "../../config/keys/redis_location.ts";
import { limited } from "../../network/wait.ts";
import {
  CONNECT_TIMEOUT_MS,
  createRedisClient,
  type RedisClient,
  type RedisLibrary,
} from "./redis_client.ts";

const RESPONSE_TIMEOUT_MS = 800;

/**
 * Error codes of a server that became a replica, lost its primary, just started, or left the cluster, as
 * in a failover: the same name may lead to another server by now. It executed nothing. Before Redis 7 a
 * script's error has the code inside.
 */
const STALE_SERVER =
  /(?:^|-)(?:READONLY|MASTERDOWN|LOADING|MOVED|ASK|CLUSTERDOWN|NOREPLICAS|NOAUTH)\b/;

/** Redis did not respond to a command in time. */
class NoAnswerError extends Error {}

interface Loaded {
  readonly library: RedisLibrary;
  readonly client: RedisClient;
  /** Settles when the first attempt to connect has succeeded or failed. */
  readonly attempted: Promise<void>;
}

export class RedisConnection {
  readonly #location: RedisLocation;
  #loaded: Promise<Loaded> | undefined;
  #client: RedisClient | undefined;
  #lastError: unknown;
  #isClosed = false;

  constructor(location: RedisLocation) {
    this.#location = location;
  }

  /** Loads the library and tries to connect; commands report a failure. */
  async open(): Promise<void> {
    await (this.#loaded ??= this.#start())
      .then(({ attempted }) => limited(attempted, CONNECT_TIMEOUT_MS, noAnswer))
      .catch(() => {});
  }

  /**
   * Sends a command, and again over a new connection if the server no longer serves. Commands must be
   * repeatable.
   *
   * @throws {GatewayError} CFG-002 for an invalid URL.
   * @throws Without a connection, on a timeout, or if Redis rejects the command.
   */
  async use<T>(command: (client: RedisClient) => Promise<T>): Promise<T> {
    try {
      return await this.#attempt(command);
    } catch (error) {
      if (!STALE_SERVER.test(messageOf(error))) throw error;
    }
    try {
      return await this.#attempt(command);
    } catch (error) {
      if (this.#location.mode !== "single" || !/^(?:MOVED|ASK)\b/.test(messageOf(error))) {
        throw error;
      }
      throw new Error("it is a node of a Redis Cluster; list the nodes in TokenCache.Url", {
        cause: error,
      });
    }
  }

  close(): void {
    this.#isClosed = true;
    if (this.#client?.isOpen) destroy(this.#client);
  }

  async #attempt<T>(command: (client: RedisClient) => Promise<T>): Promise<T> {
    // Without a timeout: loading the library is local.
    const loaded = this.#loaded ??= this.#start();
    const { library, client, attempted } = await loaded;
    try {
      await limited(attempted, RESPONSE_TIMEOUT_MS, () => this.#notConnected());
      const result = await limited(command(client), RESPONSE_TIMEOUT_MS, noAnswer);
      this.#lastError = undefined;
      return result;
    } catch (error) {
      const isOffline = error instanceof library.ClientOfflineError ||
        error instanceof library.ClientClosedError;
      // One server's client reconnects by itself; the others would wait for a node that is gone.
      const isStale = error instanceof NoAnswerError || STALE_SERVER.test(messageOf(error)) ||
        (isOffline && this.#location.mode !== "single");
      if (isStale) this.#discard(loaded, client);
      if (!isOffline) throw error;
      // The reason for the log, instead of the library's "offline".
      throw this.#notConnected(error);
    }
  }

  #discard(loaded: Promise<Loaded>, client: RedisClient): void {
    if (loaded !== this.#loaded) return;
    this.#loaded = undefined;
    if (client.isOpen) destroy(client);
  }

  #notConnected(cause?: unknown): Error {
    if (this.#lastError === undefined) return new Error("still connecting", { cause });
    const message = messageOf(this.#lastError);
    // The library reports the first byte of an HTTP response.
    const reason = message.startsWith("Unknown RESP type")
      ? "the service on this port is not Redis"
      : message;
    return new Error(`not connected: ${reason}`, { cause });
  }

  #start(): Promise<Loaded> {
    const loaded = this.#connect();
    // Only one server's client tries again by itself.
    loaded.then(({ client, attempted }) => attempted.catch(() => this.#discard(loaded, client)))
      .catch(() => {});
    return loaded;
  }

  async #connect(): Promise<Loaded> {
    const library = await import("@redis/client");
    const client = this.#client = createRedisClient(library, this.#location);
    const note = (error: unknown) => this.#lastError = error;
    // Without a listener, a lost connection would terminate the worker.
    client.on("error", note);
    client.on("node-error", note);
    if (this.#isClosed) return { library, client, attempted: Promise.resolve() };
    const connected = client.connect().then(() => {}, (error: unknown) => {
      // Its reasons were events.
      if (!(error instanceof library.RootNodesUnavailableError)) note(error);
      throw this.#notConnected(error);
    });
    // One server's client never gives up; commands wait for its first attempt only.
    const attempted = this.#location.mode === "single"
      ? Promise.race([connected, new Promise<void>((resolve) => client.once("error", resolve))])
      : connected;
    return { library, client, attempted };
  }
}

/** A failure to close concerns nobody: the connection is not used any more. */
function destroy(client: RedisClient): void {
  Promise.resolve(client.destroy()).catch(() => {});
}

function noAnswer(): NoAnswerError {
  return new NoAnswerError(`no answer within ${RESPONSE_TIMEOUT_MS} ms`);
}

function messageOf(error: unknown): string {
  return error instanceof Error && error.message !== "" ? error.message : "connection failed";
}
