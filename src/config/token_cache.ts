/**
 * `TokenCache`: where tokens are kept between requests. Whatever leaves the memory of the gateway
 * is encrypted, so a cache beyond it needs a key.
 *
 * @module
 */
import { z } from "zod";
import type { TokenCacheConfig } from "./gateway_config.ts";
import { isHost, isLoopback } from "./host_names.ts";
import type { RawKeys, ReadContext } from "./read_context.ts";
import { Secret } from "./secret.ts";
import { text } from "./value_schemas.ts";

const KEY = /^[A-Za-z0-9+/]{43}=$/;
const KEY_FORM = "must be 32 random bytes in base64, as `openssl rand -base64 32` prints them";

const encryptionKey = z.string().regex(KEY, KEY_FORM);

/** The keys of `TokenCache`. */
export const tokenCacheSchema = z.strictObject({
  Backend: z.enum(["memory", "kv", "redis"]).default("memory").describe(
    "`memory`: each worker for itself; `kv`: Deno KV, a file in the state directory or the service " +
      "at `Url`; `redis`: the server at `Url`",
  ),
  Url: text().optional().describe(
    "`redis://` or `rediss://` URL (required for `redis`), or the `https://` URL of a KV Connect " +
      "service (for `kv`; its access token comes from the variable `DENO_KV_ACCESS_TOKEN`)",
  ),
  EncryptionKey: z.union([encryptionKey, z.array(encryptionKey).min(1)], {
    error: `${KEY_FORM}, or a list of such keys`,
  }).optional().describe(
    "Key that tokens are encrypted with (AES-256-GCM): 32 random bytes in base64, as " +
      "`openssl rand -base64 32` prints them. In a list the first key encrypts and all decrypt. " +
      "Required for `kv` and `redis`",
  ),
});

/**
 * Checks what the keys of `TokenCache` mean together.
 *
 * @param raw The object as written.
 * @param context Where it stands.
 */
export function checkTokenCache(raw: RawKeys, { path, report }: ReadContext): void {
  const { Backend: backend = "memory", Url: url, EncryptionKey: key } = raw;
  if (backend === "memory") {
    for (const name of ["Url", "EncryptionKey"]) {
      if (raw[name] !== undefined) {
        report.add("CFG-002", [...path, name], 'has no effect with Backend "memory"; remove it');
      }
    }
    return;
  }
  if (backend !== "kv" && backend !== "redis") return;
  if (key === undefined) {
    report.add(
      "CFG-001",
      [...path, "EncryptionKey"],
      `Backend "${backend}" needs EncryptionKey: ${KEY_FORM}`,
    );
  }
  if (url === undefined) {
    if (backend === "redis") {
      report.add(
        "CFG-001",
        [...path, "Url"],
        'Backend "redis" needs Url, as in redis://cache:6379',
      );
    }
    return;
  }
  const fault = urlFault(url, backend);
  if (fault !== undefined) {
    report.add("CFG-002", [...path, "Url"], fault);
    return;
  }
  const { protocol, hostname, password } = new URL(String(url));
  if (protocol === "redis:" && password !== "" && !isLoopback(hostname)) {
    report.warn([...path, "Url"], "the password travels unencrypted; use rediss:// if possible");
  }
}

/**
 * Makes the cache's configuration.
 *
 * @param keys The keys, checked.
 * @returns Where tokens are kept.
 */
export function buildTokenCache(keys: z.output<typeof tokenCacheSchema>): TokenCacheConfig {
  const encryptionKeys = [keys.EncryptionKey ?? []].flat().map((key) => new Secret(key));
  switch (keys.Backend) {
    case "memory":
      return { backend: "memory" };
    case "kv":
      return { backend: "kv", url: keys.Url, encryptionKeys };
    case "redis":
      return { backend: "redis", url: new Secret(keys.Url ?? ""), encryptionKeys };
  }
}

function urlFault(url: unknown, backend: "kv" | "redis"): string | undefined {
  const pattern = backend === "redis" ? /^rediss?:\/\/[^/]/ : /^https?:\/\/[^/]/;
  const text = typeof url === "string" && pattern.test(url) ? url : "";
  const parsed = URL.parse(text);
  if (backend === "redis" && parsed !== null && !/^\/?\d*$/.test(parsed.pathname)) {
    return "must end after the port, or with the number of a database, as in redis://cache:6379/2";
  }
  if (isHost(parsed?.hostname ?? "")) return undefined;
  return backend === "redis"
    ? "must be a URL that starts with redis:// or rediss://"
    : "must be a URL that starts with https:// or http://";
}
