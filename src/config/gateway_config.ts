/**
 * The configuration: the keys of the `DicomWebOAuth` section, and the values they parse to.
 */
import type { Frozen } from "./values/frozen.ts";
import { X509Certificate } from "node:crypto";
import type { Secret } from "./values/secret.ts";
import { z } from "zod";
import { authentication } from "./inbound/authentication.ts";
import { permissions, permissionsRule } from "./inbound/permissions.ts";
import { audit } from "./keys/audit.ts";
import { cors } from "./keys/cors.ts";
import { listen } from "./keys/listen.ts";
import { proxy } from "./keys/proxy.ts";
import {
  type RateLimitConfig,
  rateLimitKeys,
  rateLimitOf,
  rateLimitRule,
} from "./keys/rate_limit.ts";
import { resilience } from "./keys/resilience.ts";
import { serverKeys, servers, withoutTrailingSlash } from "./keys/server.ts";
import { isKvFile, tokenCache, type TokenCacheConfig } from "./keys/token_cache.ts";
import { expiryWarning } from "./values/certificate_expiry.ts";
import { keyPath } from "./values/config_error.ts";
import { isHost, isLoopback } from "./values/host_names.ts";
import { keysOf } from "./values/keys_of.ts";
import { SECTION } from "./values/section.ts";
import { sources } from "./values/sources.ts";
import { filePath, httpUrl, network, seconds, whole } from "./values/value_schemas.ts";

/** `ConfigVersion`: the versions of the plugin's format. */
export const configVersion = z.preprocess(
  (value) => typeof value === "number" ? String(value) : value,
  z.enum(["1", "1.0", "2", "2.0"]),
);

const logLevel = () =>
  z.preprocess(
    (value) => typeof value === "string" ? value.toUpperCase() : value,
    z.enum(["DEBUG", "INFO", "WARNING", "ERROR"]),
  ).transform((level) => level.toLowerCase() as Lowercase<typeof level>);

export const sectionKeys = {
  Servers: servers.describe(
    "The stores, by name. A name starts with a letter or digit, followed by letters, digits, " +
      "`.`, `_` and `-`",
  ),
  ConfigVersion: configVersion.optional().describe(
    "Version of the plugin's format; it may also be at the top of the file. All load alike",
  ),
  LogLevel: logLevel().prefault("INFO").describe("The least severity that is logged"),
  LogLevels: keysOf({
    Gateway: logLevel().optional().describe("Requests and answers"),
    Upstream: logLevel().optional().describe("Stores: retries, repairs"),
    Credentials: logLevel().optional().describe("Tokens and the token cache"),
    Security: logLevel().optional().describe(
      "Security events (`event_type`): rejected credentials, invalid tokens, rate limits, TLS failures",
    ),
    Runtime: logLevel().optional().describe("Start, reload, stop, workers, the audit trail"),
  }).prefault({}).describe("Other severities for parts of the gateway"),
  LogFormat: z.enum(["text", "json"]).default("text").describe(
    "One readable line or one JSON object for each log entry",
  ),
  Listen: listen.prefault({}).describe("Where the gateway listens"),
  StateDirectory: filePath().optional().describe(
    "The one directory the gateway may write to, relative to this file. " +
      "`$XDG_STATE_HOME/dicomweb-gateway` or `~/.local/state/dicomweb-gateway` unless given; it is " +
      "created when something is written. Only the gateway's user may have access to it (mode 0700)",
  ),
  TokenCache: tokenCache.prefault({}).describe("Where tokens are kept"),
  PublicUrl: httpUrl().optional().describe(
    "The URL clients reach the gateway at, where a proxy in front of it makes that another one",
  ),
  TrustedProxies: z.array(network).default([]).describe(
    "IP addresses and networks (`10.1.0.0/16`) of proxies in front of the gateway, whose `Forwarded` " +
      "and `X-Forwarded-*` headers count",
  ),
  UploadMemoryMebibytes: whole(0, 1_048_576).default(256).describe(
    "Memory for batches of uploads (`StoreBatchBytes` in [profiles.md](profiles.md)), of all clients and servers together. " +
      "Beyond it they are held in encrypted files of `StateDirectory`. Divided evenly among `Workers`",
  ),
  UploadDiskMebibytes: whole(0, 16_777_216).default(4096).describe(
    "Space for those files. Beyond it uploads stream to the store as they come. Divided evenly among `Workers`",
  ),
  ReadAheadMebibytes: whole(0, 1_048_576).default(256).describe(
    "Memory for what is retrieved from far stores before clients ask for it or can take it, of all clients and servers " +
      "together. Divided evenly among `Workers`",
  ),
  Workers: whole(1, 64).default(1).describe("How many workers share the port, one core each"),
  DrainTimeoutSeconds: seconds(0).prefault(30).describe(
    "How long running transfers may take to finish when the gateway stops",
  ),
  Cors: cors.optional().describe(
    "Web pages whose scripts may use the DICOMweb paths from a browser; none unless given",
  ),
  Authentication: authentication.optional().describe(
    "Who may call the gateway; see [security/authentication.md](security/authentication.md). " +
      "Required for every address but loopback",
  ),
  Permissions: permissions.optional().describe(
    "Permissions of clients per server. Once one is defined, everything not permitted is rejected",
  ),
  AllowedHosts: z.array(
    z.string().refine(
      (host) => isHost(host) && !host.includes(":"),
      "must be a host name, without a port",
    ),
  ).default([]).describe(
    "Without `Authentication`: host names that clients may use for the gateway, besides IP addresses, " +
      "`localhost`, `Listen.Address` and the hosts of `PublicUrl` and `Cors.AllowedOrigins`",
  ),
  Audit: audit.optional().describe(
    "Audit trail of who did what; off by default. See " +
      "[security/audit-trail.md](security/audit-trail.md)",
  ),
  ResilienceConfig: resilience.optional().describe(
    "Retries and circuit breaker of token requests for all servers, which may have their own. Like " +
      "`ConfigVersion`, it may also be at the top of the file",
  ),
  Proxy: proxy.optional().describe("HTTP proxy to stores and identity providers"),
  ...rateLimitKeys,
};

type SectionKeys = z.output<z.ZodObject<typeof sectionKeys>>;

/** The section; parses to the configuration. */
export const section = keysOf(
  sectionKeys,
  rateLimitRule,
  permissionsRule,
  (keys, complain) => {
    if (keys.Audit?.target.kind !== "file") return;
    if (!`${keys.Audit.target.path}/`.startsWith(`${stateDirectoryOf(keys)}/`)) return;
    complain(["Audit", "File"], "must not be in StateDirectory: workers may write there");
  },
).transform((keys) => ({
  listen: keys.Listen,
  /** Absolute path of the directory the gateway may write to. */
  stateDirectory: stateDirectoryOf(keys),
  /** The URL for clients, without a trailing slash, if it differs from `listen`. */
  publicUrl: keys.PublicUrl && withoutTrailingSlash(keys.PublicUrl),
  trustedProxies: keys.TrustedProxies,
  workers: keys.Workers,
  /** Where uploads are held; of all workers. */
  uploads: {
    memoryBytes: keys.UploadMemoryMebibytes * 1024 * 1024,
    diskBytes: keys.UploadDiskMebibytes * 1024 * 1024,
  },
  /** Memory of all workers for what is retrieved ahead. */
  readAheadBytes: keys.ReadAheadMebibytes * 1024 * 1024,
  drainTimeoutMs: keys.DrainTimeoutSeconds,
  log: {
    level: keys.LogLevel,
    /** Other levels, by category. */
    levels: Object.fromEntries(
      Object.entries(keys.LogLevels).map((
        [part, level = keys.LogLevel],
      ) => [part.toLowerCase(), level]),
    ),
    format: keys.LogFormat,
  },
  tokenCache: tokenCacheOf(keys),
  cors: keys.Cors,
  /** `undefined`: every client that reaches the port is accepted. */
  authentication: keys.Authentication,
  /** `undefined`: everything is permitted. */
  permissions: keys.Permissions,
  /** Further host names that clients of a gateway without authentication may use. */
  allowedHosts: keys.AllowedHosts,
  audit: keys.Audit && {
    ...keys.Audit,
    onFailure: keys.Audit.onFailure ?? (isLoopback(keys.Listen.address) ? "warn" : "refuse"),
  },
  proxy: keys.Proxy,
  servers: keys.Servers,
  /** Never unlimited. */
  rateLimit: rateLimitOf(keys) as RateLimitConfig | undefined,
  /** Whether the runtime traces requests, and sends `traceparent` to stores. */
  tracing: ["true", "1"].includes(sources().environment[TRACING_VARIABLE] ?? ""),
  /** What is allowed but dangerous; logged at every start. */
  warnings: warningsOf(keys),
}));

/** Enables the runtime's OpenTelemetry, with `true` or `1`. */
const TRACING_VARIABLE = "OTEL_DENO";

/** The whole configuration. Times are in milliseconds. */
export interface GatewayConfig extends Frozen<z.output<typeof section>> {
  /** Absolute path of the file that it was read from. */
  readonly path: string;
}

export type AuditConfig = NonNullable<GatewayConfig["audit"]>;

/** Keys of the plugin's section without a counterpart, and why. */
export const FORMER_KEYS: Readonly<Record<string, string>> = {
  EnableMetrics: "metrics are always served, at /dicomweb-oauth/metrics",
  LogFile: "the log goes to standard error, and the service manager keeps it",
  CacheType: "its successor is TokenCache.Backend",
  RedisUrl: "its successor is TokenCache.Url",
};

/** The message about a key that does not belong to the section. */
export function misplacedKey(key: string): string | undefined {
  if (Object.hasOwn(serverKeys, key)) {
    return `belongs to a server: ${SECTION}.Servers.{name}.${key}`;
  }
  if (!Object.hasOwn(FORMER_KEYS, key)) return undefined;
  return `has no effect: ${FORMER_KEYS[key]}; remove it`;
}

function stateDirectoryOf(keys: Pick<SectionKeys, "StateDirectory">): string {
  return keys.StateDirectory ?? sources().stateHome;
}

/** The default is memory if no server has tokens: nothing would be written to the file. */
function tokenCacheOf({ TokenCache: cache, Servers: servers }: SectionKeys): TokenCacheConfig {
  const isUsed = [...servers.values()].some(({ credentials }) => "refreshBufferMs" in credentials);
  return isKvFile(cache) && cache.isDefault && !isUsed ? { backend: "memory" } : cache;
}

function warningsOf(keys: SectionKeys): string[] {
  const warnings: string[] = [];
  const warn = (key: string, message: string) => warnings.push(`${SECTION}.${key}: ${message}`);
  const { Listen: listen, TokenCache: cache } = keys;
  const isBeyond = !isLoopback(listen.address);
  if (keys.Authentication !== undefined) {
    if (listen.allowUnauthenticated) {
      warn("Listen.AllowUnauthenticated", "has no effect together with Authentication");
    }
    if (isBeyond && listen.tls === undefined && keys.TrustedProxies.length === 0) {
      warn(
        "Listen.Tls",
        "is not set: passwords, keys, tokens and images are sent unencrypted to this address",
      );
    }
  } else if (isBeyond) {
    warn(
      "Listen.AllowUnauthenticated",
      "anyone who can reach this address may use every store without a password",
    );
  }
  const expiry = (key: string, pem: string | undefined) => {
    const message = pem && expiryWarning(Date.parse(new X509Certificate(pem).validTo), Date.now());
    if (message) warn(key, message);
  };
  expiry("Listen.Tls.CertificateFile", listen.tls?.certificatePem);
  if (keys.Authentication !== undefined && keys.AllowedHosts.length > 0) {
    warn("AllowedHosts", "has no effect together with Authentication");
  }
  if (cache.backend === "redis") {
    const { location } = cache;
    const warnIfPlain = (key: string, urls: readonly Secret[]) => {
      const isPlain = urls.map((url) => new URL(url.reveal())).some(
        ({ protocol, hostname, password }) =>
          protocol === "redis:" && password !== "" && !isLoopback(hostname),
      );
      if (isPlain) warn(key, "the password travels unencrypted; use rediss:// if possible");
    };
    warnIfPlain("TokenCache.Url", location.urls);
    if (location.mode === "sentinel") {
      warnIfPlain("TokenCache.Sentinel.Nodes", location.sentinels);
    }
  }
  if (keys.Cors?.allowedOrigins.includes("*")) {
    warn(
      "Cors.AllowedOrigins",
      "every web page that a user here opens can use the gateway; list the viewer's origin instead",
    );
  }
  for (const { name, tls, warnings } of keys.Servers.values()) {
    const path = keyPath(["Servers", name]);
    for (const { key, message } of warnings) warn(`${path}.${key}`, message);
    expiry(`${path}.ClientCertificate.CertificateFile`, tls.clientCertificate?.certificatePem);
  }
  return warnings;
}
