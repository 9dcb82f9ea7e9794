/**
 * Creates the client of `@redis/client` for one server, a cluster or the primary that Sentinel names.
 * It connects to no server that the configuration does not list: the sandbox would deny it.
 */
import type { RedisLocation } from "../../config/keys/redis_location.ts";
import { hostAndPort } from "../../config/values/host_names.ts";
import type { Secret } from "../../config/values/secret.ts";
import { GatewayError } from "../../errors/gateway_error.ts";

/** For a TCP or TLS connection. */
export const CONNECT_TIMEOUT_MS = 2000;

/** Pings distinguish an idle connection from a dead one. */
const PING_INTERVAL_MS = 10_000;

/** Without traffic for this time the connection is dead: it may hang before the first ping. */
const IDLE_TIMEOUT_MS = 25_000;

const FIRST_RECONNECT_MS = 50;
const SLOWEST_RECONNECT_MS = 1000;

/** How often the Sentinels are asked for the primary, in case a notification is lost. */
const SENTINEL_SCAN_MS = 10_000;

/** Imported only if Redis is used: loading takes a fifth of the start-up time. */
export type RedisLibrary = typeof import("@redis/client");

interface Script {
  readonly keys: string[];
  readonly arguments: string[];
}

/** What the three kinds of client have in common. */
export interface RedisClient {
  readonly isOpen: boolean;
  /** Of a cluster: its primaries, by the addresses that it announces. */
  readonly masters?: readonly { readonly address: string }[];
  connect(): Promise<unknown>;
  destroy(): void | Promise<void>;
  on(event: string, listener: (error: unknown) => void): unknown;
  once(event: string, listener: () => void): unknown;
  get(key: string): Promise<string | null>;
  set(
    key: string,
    value: string,
    options: { readonly expiration: { readonly type: "PX"; readonly value: number } },
  ): Promise<unknown>;
  del(key: string): Promise<number>;
  eval(script: string, options: Script): Promise<unknown>;
}

/**
 * Creates a client, without connecting.
 *
 * @throws {GatewayError} CFG-002 for an invalid URL.
 */
export function createRedisClient(
  { createClient, createCluster, createSentinel }: RedisLibrary,
  location: RedisLocation,
): RedisClient {
  const [url] = location.urls.map((each) => each.reveal()) as [string];
  try {
    switch (location.mode) {
      case "single":
        return createClient({ ...COMMON, url });
      case "cluster":
        return createCluster({
          rootNodes: location.urls.map((each) => ({ url: each.reveal() })),
          defaults: loginOf(url),
          // A node that is down would hold up the connections to all others.
          minimizeConnections: true,
          nodeAddressMap: listedNodes(location.urls),
        });
      case "sentinel":
        return createSentinel({
          name: location.name,
          sentinelRootNodes: location.sentinels.map((each) => nodeOf(each.reveal())),
          nodeClientOptions: { ...loginOf(url), database: Number(new URL(url).pathname.slice(1)) },
          sentinelClientOptions: loginOf(location.sentinels[0]!.reveal()),
          // Each takes a second, for which commands wait.
          maxCommandRediscovers: 1,
          scanInterval: SENTINEL_SCAN_MS,
          nodeAddressMap: listedNodes([...location.urls, ...location.sentinels]),
        });
    }
  } catch {
    // Without the cause: its message repeats the URL, which may contain a password.
    throw new GatewayError("CFG-002", "Cannot use the Url of TokenCache: it is no Redis URL");
  }
}

const COMMON = {
  disableOfflineQueue: true,
  // Reads the environment, which the worker may not.
  maintNotifications: "disabled",
  disableClientInfo: true,
  pingInterval: PING_INTERVAL_MS,
  socket: {
    connectTimeout: CONNECT_TIMEOUT_MS,
    socketTimeout: IDLE_TIMEOUT_MS,
    reconnectStrategy: (retries: number) =>
      Math.min(FIRST_RECONNECT_MS * 2 ** Math.min(retries, 10), SLOWEST_RECONNECT_MS),
  },
} as const;

/** The options of every connection to a list of nodes, with the credentials and TLS of its URLs. */
function loginOf(url: string) {
  const { protocol, username, password } = new URL(url);
  return {
    ...COMMON,
    socket: { ...COMMON.socket, ...(protocol === "rediss:" && { tls: true as const }) },
    ...(username !== "" && { username: decodeURIComponent(username) }),
    ...(password !== "" && { password: decodeURIComponent(password) }),
  };
}

/** @returns A function that throws for a node that is not listed. */
export function listedNodes(
  urls: readonly Secret[],
): (address: string) => { host: string; port: number } {
  const nodes = new Map(urls.map((url) => {
    const node = nodeOf(url.reveal());
    return [`${node.host}:${node.port}`, node];
  }));
  return (address) => {
    const node = nodes.get(address.toLowerCase());
    if (node !== undefined) return node;
    throw new UnlistedNodeError(address);
  };
}

/** Redis names a server that the configuration does not. */
class UnlistedNodeError extends Error {
  override readonly name = "UnlistedNodeError";

  constructor(address: string) {
    super(`Redis refers to ${address}, which TokenCache does not list`);
  }
}

function nodeOf(url: string): { host: string; port: number } {
  const address = hostAndPort(url);
  const colon = address.lastIndexOf(":");
  const host = address.slice(0, colon).replace(/^\[|\]$/g, "");
  return { host, port: Number(address.slice(colon + 1)) };
}
