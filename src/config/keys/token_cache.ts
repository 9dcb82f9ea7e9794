/**
 * `TokenCache`: where tokens are cached. Tokens outside the memory of the gateway are encrypted: caches
 * on other machines need a key in the configuration; for the file, the gateway generates one.
 */
import type { Frozen } from "../values/frozen.ts";
import { ifGiven } from "../values/complaint.ts";
import { z } from "zod";
import { isHost } from "../values/host_names.ts";
import { isObject, keysOf } from "../values/keys_of.ts";
import { Secret } from "../values/secret.ts";
import { sources } from "../values/sources.ts";
import { secret, secretKinds, text } from "../values/value_schemas.ts";

const KEY = /^[A-Za-z0-9+/]{43}=$/;
const KEY_FORM = "must be 32 random bytes in base64, as `openssl rand -base64 32` prints them";

/** Whether a text is a key for AES-256 as `EncryptionKey` has it. */
export function isEncryptionKey(text: string): boolean {
  return KEY.test(text);
}

const NO_EFFECT = 'has no effect with Backend "memory"; remove it';

const encryptionKey = () => secret(z.string().regex(KEY, KEY_FORM));

/** A URL of a cache may hold a password. */
const cacheUrl = text().register(secretKinds, {
  isSecret: (value) => Boolean(URL.parse(value)?.password),
});

/** The only source of Deno for the access token of a KV service. */
const KV_TOKEN_VARIABLE = "DENO_KV_ACCESS_TOKEN";

export const tokenCache = keysOf(
  {
    Backend: z.enum(["memory", "kv", "redis"]).default("kv").describe(
      "`memory`: per worker; `kv`: Deno KV, a file in the state directory or the service at `Url`; `redis`: the server at `Url`. " +
        "By default `memory`, with a warning, if the state directory cannot be used",
    ),
    Url: cacheUrl.optional().describe(
      "`redis://` or `rediss://` URL (required for `redis`), or the `https://` URL of a KV Connect " +
        `service (for \`kv\`; its access token comes from the variable \`${KV_TOKEN_VARIABLE}\`)`,
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
  ({ Backend: backend, Url: url }, complain) => {
    if (url === undefined) {
      if (backend !== "redis") return;
      return complain("Url", 'Backend "redis" needs Url, as in redis://cache:6379');
    }
    const fault = backend === "memory" ? NO_EFFECT : urlFault(url, backend);
    if (fault !== undefined) return complain("Url", fault);
    if (backend === "kv" && sources().environment[KV_TOKEN_VARIABLE] === undefined) {
      const state =
        `a KV service needs the environment variable ${KV_TOKEN_VARIABLE}, which is not set`;
      complain("Url", state, "CFG-003");
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
        url: keys.Url,
        /** None for a file: its key is in the state directory. */
        encryptionKeys,
        /** Whether it is used only because nothing else is configured. */
        isDefault: keys.Url === undefined && !isWritten("Backend"),
      };
    case "redis":
      return { backend: keys.Backend, url: new Secret(keys.Url ?? ""), encryptionKeys };
  }
});

/** Where tokens are cached. The first encryption key encrypts, all decrypt. */
export type TokenCacheConfig = Frozen<z.output<typeof tokenCache>>;

/** Whether it is a file in the state directory. */
export function isKvFile(
  cache: TokenCacheConfig,
): cache is Extract<TokenCacheConfig, { readonly backend: "kv" }> {
  return cache.backend === "kv" && cache.url === undefined;
}

function isWritten(key: string): boolean {
  const { TokenCache: written } = sources().section;
  return isObject(written) && key in written;
}

function urlFault(url: string, backend: "kv" | "redis"): string | undefined {
  const pattern = backend === "redis" ? /^rediss?:\/\/[^/]/ : /^https?:\/\/[^/]/;
  const parsed = pattern.test(url) ? URL.parse(url) : null;
  if (backend === "redis" && parsed !== null && !/^\/?\d*$/.test(parsed.pathname)) {
    return "must end after the port or with a database number, as in redis://cache:6379/2";
  }
  if (isHost(parsed?.hostname ?? "")) return undefined;
  if (backend === "redis") return "must be a URL that starts with redis:// or rediss://";
  return /^rediss?:/.test(url)
    ? 'is that of a Redis server: add "Backend": "redis"'
    : "must be a URL that starts with https:// or http://";
}
