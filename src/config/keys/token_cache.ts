/**
 * `TokenCache`: where tokens are cached. Tokens outside the memory of the gateway are encrypted: caches
 * on other machines need a key in the configuration; for the file, the gateway generates one.
 */
import type { Frozen } from "../values/frozen.ts";
import { ifGiven } from "../values/complaint.ts";
import { z } from "zod";
import { SECRET_LINE, valueFault } from "../values/damaged_value.ts";
import { isHost } from "../values/host_names.ts";
import { isObject, keysOf } from "../values/keys_of.ts";
import type { Secret } from "../values/secret.ts";
import { sources } from "../values/sources.ts";
import { secret } from "../values/value_schemas.ts";
import { cacheUrl, redisLocation, redisUrlRule, sentinel } from "./redis_location.ts";

const KEY = /^[A-Za-z0-9+/]{43}=$/;
const KEY_FORM = "must be 32 random bytes in base64, as `openssl rand -base64 32` prints them";

/** Whether a text is a key for AES-256 as `EncryptionKey` has it. */
export function isEncryptionKey(text: string): boolean {
  return KEY.test(text);
}

const NO_EFFECT = 'has no effect with Backend "memory"; remove it';

const encryptionKey = () => secret(z.string().regex(KEY, KEY_FORM));

/** The only source of Deno for the access token of a KV service. */
const KV_TOKEN_VARIABLE = "DENO_KV_ACCESS_TOKEN";

export const tokenCache = keysOf(
  {
    Backend: z.enum(["memory", "kv", "redis"]).default("kv").describe(
      "`memory`: per worker; `kv`: Deno KV, a file in the state directory or the service at `Url`; `redis`: the server at `Url`. " +
        "By default `memory`, with a warning, if the state directory cannot be used",
    ),
    Url: z.union([cacheUrl(), z.array(cacheUrl()).min(1)], {
      error: ifGiven("must be a URL, or a list of URLs"),
    }).optional().describe(
      "`redis://` or `rediss://` URL (required for `redis`), or the `https://` URL of a KV Connect " +
        `service (for \`kv\`; its access token comes from the variable \`${KV_TOKEN_VARIABLE}\`). ` +
        "A list of Redis URLs names the nodes of a Redis Cluster, each as the cluster announces it, or " +
        "with `Sentinel` the servers that may be the primary; the gateway contacts no others",
    ),
    Sentinel: sentinel.optional().describe(
      "Redis Sentinel, which knows the primary among the servers at `Url`",
    ),
    EncryptionKey: z.union([encryptionKey(), z.array(encryptionKey()).min(1)], {
      error: ifGiven(`${KEY_FORM}, or a list of such keys`),
    }).optional().describe(
      "Key that tokens are encrypted with (AES-256-GCM): 32 random bytes in base64, as " +
        "`openssl rand -base64 32` prints them. In a list the first key encrypts and all decrypt. " +
        "Required for `redis` and for `kv` with `Url`. For the file of `kv`, a key in the state directory " +
        "is used unless given: then who can read that directory can read the tokens",
    ),
  },
  ({ Backend: backend, EncryptionKey: key }, complain) => {
    if (backend === "memory" && key !== undefined) complain("EncryptionKey", NO_EFFECT);
  },
  ({ Backend: backend, Url: url, EncryptionKey: key }, complain) => {
    if (key !== undefined || backend === "memory") return;
    if (backend === "kv" && url === undefined) return;
    const which = backend === "kv" ? '"kv" with Url' : `"${backend}"`;
    complain("EncryptionKey", `Backend ${which} needs EncryptionKey: ${KEY_FORM}`);
  },
  ({ Backend: backend, Sentinel: sentinel }, complain) => {
    if (backend !== "redis" && sentinel !== undefined) {
      complain("Sentinel", `has no effect with Backend "${backend}"; remove it`);
    }
  },
  ({ Backend: backend, Url: url, Sentinel: sentinel }, complain) => {
    if (url === undefined) {
      if (backend !== "redis") return;
      return complain("Url", 'Backend "redis" needs Url, as in redis://cache:6379');
    }
    if (backend === "memory") return complain("Url", NO_EFFECT);
    if (backend === "redis") {
      return redisUrlRule(url, { hasSentinel: sentinel !== undefined }, complain);
    }
    if (typeof url !== "string") return complain("Url", 'must be one URL with Backend "kv"');
    if (!isKvUrl(url)) {
      const isRedis = /^rediss?:/.test(url);
      return complain(
        "Url",
        isRedis
          ? 'is that of a Redis server: add "Backend": "redis"'
          : "must be a URL that starts with https:// or http://",
      );
    }
    const token = sources().environment[KV_TOKEN_VARIABLE];
    const tokenFault = valueFault(token ?? "", SECRET_LINE);
    if (token === undefined) {
      const state =
        `a KV service needs the environment variable ${KV_TOKEN_VARIABLE}, which is not set`;
      complain("Url", state, "CFG-003");
    } else if (tokenFault !== undefined) {
      complain("Url", `the environment variable ${KV_TOKEN_VARIABLE} ${tokenFault}`, "CFG-002");
    }
  },
).transform((keys) => {
  const encryptionKeys: readonly Secret[] = [keys.EncryptionKey ?? []].flat();
  switch (keys.Backend) {
    case "memory":
      return { backend: keys.Backend };
    case "kv":
      return {
        backend: keys.Backend,
        url: kvUrl(keys.Url),
        /** None for a file: its key is in the state directory. */
        encryptionKeys,
        /** Whether it is used only because nothing else is configured. */
        isDefault: keys.Url === undefined && !isWritten("Backend"),
      };
    case "redis":
      return {
        backend: keys.Backend,
        location: redisLocation(keys.Url ?? [], keys.Sentinel),
        encryptionKeys,
      };
  }
});

/** Where tokens are cached. The first encryption key encrypts, all decrypt. */
export type TokenCacheConfig = Frozen<z.output<typeof tokenCache>>;

function isKvUrl(url: string): boolean {
  const parsed = /^https?:\/\/[^/]/.test(url) ? URL.parse(url) : null;
  return isHost(parsed?.hostname ?? "");
}

/** The rules reject a list. */
function kvUrl(url: string | readonly string[] | undefined): string | undefined {
  return typeof url === "string" ? url : undefined;
}

/** Whether it is a file in the state directory. */
export function isKvFile(
  cache: TokenCacheConfig,
): cache is Extract<TokenCacheConfig, { readonly backend: "kv" }> {
  return cache.backend === "kv" && cache.url === undefined;
}

/** Whether nobody configured it: a failure must not take the gateway out of service. */
export function isOptionalCache(cache: TokenCacheConfig): boolean {
  return cache.backend === "kv" && cache.isDefault;
}

function isWritten(key: string): boolean {
  const { TokenCache: written } = sources().section;
  return isObject(written) && key in written;
}
