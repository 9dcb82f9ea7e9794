/**
 * The configuration file: the keys of the `DicomWebOAuth` section and what is known of the file
 * around it, which may be a whole `orthanc.json`.
 *
 * @module
 */
import { z } from "zod";
import { signingWays } from "./credentials/signing_ways.ts";
import { auditSchema } from "./audit.ts";
import { corsSchema } from "./cors.ts";
import { authenticationSchema } from "./inbound/authentication.ts";
import { allowedHostsSchema } from "./allowed_hosts.ts";
import { permissionsSchema } from "./inbound/permissions.ts";
import { listenSchema } from "./listen.ts";
import { proxySchema } from "./proxy.ts";
import { rateLimitKeys } from "./rate_limit.ts";
import { SERVER_NAME, serverSchema } from "./server.ts";
import { trustedProxiesSchema } from "./trusted_proxies.ts";
import { tokenCacheSchema } from "./token_cache.ts";
import { DAY_SECONDS, decimal, httpUrl, text, whole } from "./value_schemas.ts";

/** Name of the section. */
export const SECTION = "DicomWebOAuth";

/** The versions of the plugin's format. */
export const configVersion = z.preprocess(
  (value) => typeof value === "number" ? String(value) : value,
  z.enum(["1", "1.0", "2", "2.0"]),
);

function logLevel() {
  return z.preprocess(
    (value) => typeof value === "string" ? value.toUpperCase() : value,
    z.enum(["DEBUG", "INFO", "WARNING", "ERROR"]),
  );
}

/** The keys of the section, `Servers` apart. */
export const sectionKeys = {
  ConfigVersion: configVersion.optional().describe(
    "Version of the plugin's format; it may also stand at the top of the file. Both load alike",
  ),
  LogLevel: logLevel().default("INFO").describe("The least severity that is logged"),
  LogLevels: z.strictObject({
    Gateway: logLevel().optional().describe("Requests and answers"),
    Upstream: logLevel().optional().describe("Stores: retries, repairs"),
    Credentials: logLevel().optional().describe("Tokens and the token cache"),
    Security: logLevel().optional().describe("Tokens that were found invalid"),
    Runtime: logLevel().optional().describe("Start, reload, stop, workers, the audit trail"),
  }).default({}).describe("Other severities for parts of the gateway"),
  LogFormat: z.enum(["text", "json"]).default("text").describe(
    "One readable line or one JSON object for each log entry",
  ),
  Listen: listenSchema.prefault({}).describe("Where the gateway listens"),
  StateDirectory: text().optional().describe(
    "The one directory the gateway may write to, relative to this file. " +
      "`$XDG_STATE_HOME/dicomweb-gateway` or `~/.local/state/dicomweb-gateway` unless given; it is " +
      "made when something is written. Only the gateway's user may have access to it (mode 0700)",
  ),
  TokenCache: tokenCacheSchema.prefault({}).describe("Where tokens are kept"),
  PublicUrl: httpUrl().optional().describe(
    "The URL clients reach the gateway at, where a proxy in front of it makes that another one",
  ),
  TrustedProxies: trustedProxiesSchema.describe(
    "IP addresses and networks (`10.1.0.0/16`) of proxies in front of the gateway, whose `Forwarded` " +
      "and `X-Forwarded-*` headers count",
  ),
  Workers: whole(1, 64).default(1).describe("How many workers share the port, one core each"),
  DrainTimeoutSeconds: decimal(0, DAY_SECONDS).default(30).describe(
    "How long running transfers may take to finish when the gateway stops",
  ),
  Cors: corsSchema.optional().describe(
    "Web pages whose scripts may use the DICOMweb paths from a browser; none unless given",
  ),
  Authentication: authenticationSchema.optional().describe(
    "Who may call the gateway; see [security/authentication.md](security/authentication.md). " +
      "Required for every address but loopback",
  ),
  Permissions: permissionsSchema.optional().describe(
    "Who may do what at which server. Once one is written, whatever none allows is refused",
  ),
  AllowedHosts: allowedHostsSchema.describe(
    "Without `Authentication`: names by which clients may call the gateway, besides IP addresses, " +
      "`localhost`, `Listen.Address` and the hosts of `PublicUrl` and `Cors.AllowedOrigins`",
  ),
  Audit: auditSchema.optional().describe(
    "The record of who did what; none unless given. See " +
      "[security/audit-trail.md](security/audit-trail.md)",
  ),
  Proxy: proxySchema.optional().describe("HTTP proxy to stores and identity providers"),
  ...rateLimitKeys,
};

/** The section as it is read: the servers are checked one by one, each by its way of signing. */
export const sectionSchema = z.strictObject({ ...sectionKeys, Servers: z.looseObject({}) });

/** The whole file, for the JSON Schema and the reference. */
export function fileSchema(): z.ZodObject {
  const servers = z.record(
    z.string().regex(SERVER_NAME),
    z.union(
      signingWays.map((way) => serverSchema(way).meta({ title: way.title })),
    ),
  );
  return z.looseObject({
    ConfigVersion: configVersion.optional().describe("Version of the plugin's format"),
    [SECTION]: z.strictObject({
      Servers: servers.describe(
        "The stores, by name. A name begins with a letter or digit and goes on with letters, digits, " +
          "`.`, `_` and `-`",
      ),
      ...sectionKeys,
    }).describe("The section of the gateway"),
  });
}
