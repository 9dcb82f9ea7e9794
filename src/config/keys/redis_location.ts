/**
 * `TokenCache.Url` and `TokenCache.Sentinel`: one Redis server, the nodes of a Redis Cluster, or the
 * servers of which Redis Sentinel names the primary.
 */
import { isHost } from "../values/host_names.ts";
import { type Complain, keysOf } from "../values/keys_of.ts";
import { Secret } from "../values/secret.ts";
import { secretKinds, text } from "../values/value_schemas.ts";
import { z } from "zod";

/** Where the tokens are in Redis. All URLs of a list have the same scheme, user, password and database. */
export type RedisLocation =
  | { readonly mode: "single" | "cluster"; readonly urls: readonly Secret[] }
  | {
    readonly mode: "sentinel";
    /** The servers that may become the primary. */
    readonly urls: readonly Secret[];
    readonly name: string;
    readonly sentinels: readonly Secret[];
  };

/** A URL of a cache may hold a password. */
export function cacheUrl(): z.ZodString {
  return text().register(secretKinds, {
    isSecret: (value) => Boolean(URL.parse(value)?.password),
  });
}

const NO_REDIS_URL = "must be a URL that starts with redis:// or rediss://";

export const sentinel = keysOf(
  {
    Name: text().describe("Name of the primary, as in `sentinel monitor NAME …`"),
    Nodes: z.array(cacheUrl()).min(1).describe(
      "The Sentinels, as `redis://` or `rediss://` URLs with their port, usually 26379",
    ),
  },
  ({ Nodes: nodes }, complain) => {
    nodes.forEach((node, at) => {
      const fault = redisUrlFault(node) ??
        (URL.parse(node)?.port ? undefined : "must name the port, usually 26379") ??
        (database(node) === 0 ? undefined : "must end after the port: Sentinel has no databases");
      if (fault !== undefined) complain(["Nodes", at], fault);
    });
    complainOfDifferences(nodes, (at, message) => complain(["Nodes", at], message));
  },
);

/** Checks the URLs of Redis. */
export function redisUrlRule(
  url: string | readonly string[],
  { hasSentinel }: { readonly hasSentinel: boolean },
  complain: Complain,
): void {
  if (typeof url === "string") {
    const fault = redisUrlFault(url);
    if (fault !== undefined) complain("Url", fault);
    return;
  }
  url.forEach((each, at) => {
    const fault = redisUrlFault(each) ??
      (hasSentinel || database(each) === 0
        ? undefined
        : "must end after the port: a Redis Cluster has database 0 only");
    if (fault !== undefined) complain(["Url", at], fault);
  });
  complainOfDifferences(url, (at, message) => complain(["Url", at], message));
}

export function redisLocation(
  url: string | readonly string[],
  sentinel: { readonly Name: string; readonly Nodes: readonly string[] } | undefined,
): RedisLocation {
  const urls = [url].flat().map((each) => new Secret(each));
  if (sentinel === undefined) return { mode: typeof url === "string" ? "single" : "cluster", urls };
  const sentinels = sentinel.Nodes.map((node) => new Secret(node));
  return { mode: "sentinel", urls, name: sentinel.Name, sentinels };
}

function redisUrlFault(url: string): string | undefined {
  const parsed = /^rediss?:\/\/[^/]/.test(url) ? URL.parse(url) : null;
  if (parsed !== null && !/^\/?\d*$/.test(parsed.pathname)) {
    return "must end after the port or with a database number, as in redis://cache:6379/2";
  }
  return isHost(parsed?.hostname ?? "") ? undefined : NO_REDIS_URL;
}

function database(url: string): number {
  return Number(URL.parse(url)?.pathname.slice(1));
}

/** The client has one set of credentials for all nodes. */
function complainOfDifferences(
  urls: readonly string[],
  complain: (at: number, message: string) => void,
): void {
  const common = (url: string) => {
    const { protocol, username, password } = URL.parse(url) ?? {};
    return JSON.stringify([protocol, username, password, database(url)]);
  };
  urls.forEach((url, at) => {
    if (common(url) === common(urls[0]!)) return;
    complain(at, "must have the scheme, user, password and database of the first URL");
  });
}
