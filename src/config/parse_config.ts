/**
 * Makes the configuration of what `loadConfigSource` read: checks every key, reports everything that
 * is wrong at once, and freezes the result. Reads nothing, so that it works in the worker.
 *
 * @module
 */
import { dirname, resolve } from "node:path";
import { buildAuthentication, checkAuthentication, isOverheard } from "./inbound/authentication.ts";
import { buildAudit, checkAudit } from "./audit.ts";
import { buildCors, checkCors } from "./cors.ts";
import { ConfigError, type KeyPath } from "./config_error.ts";
import { type ConfigSource, TRACING_VARIABLE } from "./config_source.ts";
import { buildPermissions, checkPermissions } from "./inbound/permissions.ts";
import { deepFreeze } from "./frozen.ts";
import type { GatewayConfig, LogConfig, RateLimitConfig, ServerConfig } from "./gateway_config.ts";
import { buildListen, checkListen } from "./listen.ts";
import { ProblemReport } from "./problem_report.ts";
import { buildProxy, checkProxy } from "./proxy.ts";
import { isObject, type RawKeys, rawKeys, type ReadContext } from "./read_context.ts";
import { buildRateLimit, checkRateLimit } from "./rate_limit.ts";
import { configVersion, SECTION, sectionSchema } from "./schema.ts";
import { reportIssues } from "./schema_issues.ts";
import {
  buildServer,
  checkServer,
  SERVER_NAME,
  serverKeys,
  withoutTrailingSlash,
} from "./server.ts";
import { buildTokenCache, checkTokenCache } from "./token_cache.ts";

/** Keys of the section that plugin users may have met, and what became of them. */
const FORMER_KEYS: Readonly<Record<string, string>> = {
  EnableMetrics: "has no effect: metrics are always served, at /dicomweb-oauth/metrics; remove it",
};

/**
 * Makes the configuration.
 *
 * @param source What was read.
 * @returns The configuration, complete and frozen.
 * @throws {ConfigError} With everything that is wrong, when anything is.
 */
export function parseConfig(source: ConfigSource): GatewayConfig {
  const report = new ProblemReport(source.problems);
  const { files, environment } = source;
  const directory = dirname(source.path);
  const context: ReadContext = { path: [SECTION], directory, files, environment, report };
  const raw = source.document[SECTION];
  const section = sectionSchema.safeParse(raw);
  if (!section.success) {
    reportIssues(section.error, {
      schema: sectionSchema,
      raw,
      path: context.path,
      report,
      unknown: (key) => misplacedKey(key),
    });
  }
  checkVersion(source.document.ConfigVersion, report);
  const { StateDirectory: given } = rawKeys(raw);
  const stateDirectory = typeof given === "string"
    ? resolve(directory, given)
    : source.defaultStateDirectory;
  checkTogether(rawKeys(raw), context);
  checkAudit(rawKeys(raw)["Audit"], within(context, "Audit"), stateDirectory);
  checkServers(rawKeys(raw)["Servers"], within(context, "Servers"));
  if (report.problems.length > 0 || !section.success) {
    throw new ConfigError(source.path, report.problems);
  }

  const keys = section.data;
  return deepFreeze<GatewayConfig>({
    path: source.path,
    listen: buildListen(keys.Listen, source.files),
    stateDirectory,
    publicUrl: keys.PublicUrl === undefined ? undefined : withoutTrailingSlash(keys.PublicUrl),
    trustedProxies: keys.TrustedProxies,
    workers: keys.Workers,
    drainTimeoutMs: Math.round(keys.DrainTimeoutSeconds * 1_000),
    log: {
      level: levelOf(keys.LogLevel),
      levels: Object.fromEntries(
        Object.entries(keys.LogLevels).map((
          [part, level = keys.LogLevel],
        ) => [part.toLowerCase(), levelOf(level)]),
      ),
      format: keys.LogFormat,
    },
    tokenCache: buildTokenCache(keys.TokenCache),
    cors: keys.Cors && buildCors(keys.Cors),
    authentication: keys.Authentication && buildAuthentication(keys.Authentication, files),
    permissions: keys.Permissions && buildPermissions(keys.Permissions),
    allowedHosts: keys.AllowedHosts,
    audit: keys.Audit && buildAudit(keys.Audit, context, keys.Listen.Address),
    proxy: keys.Proxy && buildProxy(keys.Proxy),
    servers: buildServers(rawKeys(keys.Servers), within(context, "Servers")),
    rateLimit: gatewayRateLimit(keys),
    tracing: ["true", "1"].includes(source.environment[TRACING_VARIABLE] ?? ""),
    warnings: [...source.warnings ?? [], ...report.warnings],
  });
}

function levelOf(level: string): LogConfig["level"] {
  return level.toLowerCase() as LogConfig["level"];
}

/** The gateway's limit is never 0. */
function gatewayRateLimit(
  keys: Parameters<typeof buildRateLimit>[0],
): RateLimitConfig | undefined {
  const limit = buildRateLimit(keys);
  return limit === "unlimited" ? undefined : limit;
}

function checkVersion(version: unknown, report: ProblemReport): void {
  const result = configVersion.optional().safeParse(version);
  if (result.success) return;
  reportIssues(result.error, {
    schema: configVersion,
    raw: version,
    path: ["ConfigVersion"],
    report,
  });
}

function checkTogether(section: RawKeys, context: ReadContext): void {
  const { report, path } = context;
  checkListen(rawKeys(section["Listen"]), within(context, "Listen"), {
    isAuthenticated: section["Authentication"] !== undefined,
    isOverheard: isOverheard(section),
  });
  if (section["Authentication"] !== undefined && section["AllowedHosts"] !== undefined) {
    report.warn([...path, "AllowedHosts"], "means nothing beside Authentication");
  }
  checkAuthentication(section["Authentication"], within(context, "Authentication"));
  checkPermissions(section["Permissions"], section, within(context, "Permissions"));
  checkTokenCache(rawKeys(section["TokenCache"]), within(context, "TokenCache"));
  checkCors(rawKeys(section["Cors"]), within(context, "Cors"));
  checkProxy(rawKeys(section["Proxy"]), within(context, "Proxy"));
  checkRateLimit(section, context);
}

function checkServers(servers: unknown, context: ReadContext): void {
  const { report, path } = context;
  if (!isObject(servers)) return;
  const entries = Object.entries(servers);
  if (entries.length === 0) report.add("CFG-001", path, "must name at least one server");
  for (const [name, server] of entries) {
    if (!SERVER_NAME.test(name)) {
      report.add(
        "CFG-002",
        [...path, name],
        "the name of a server is a part of paths: it must begin with a letter or digit and go on " +
          "with letters, digits, '.', '_' and '-', 128 at most",
      );
    }
    checkServer(server, within(context, name));
  }
}

function buildServers(servers: RawKeys, context: ReadContext): ReadonlyMap<string, ServerConfig> {
  return new Map(
    Object.entries(servers).map((
      [name, server],
    ) => [name, buildServer(name, rawKeys(server), within(context, name))]),
  );
}

function within(context: ReadContext, key: string): ReadContext {
  const path: KeyPath = [...context.path, key];
  return { ...context, path };
}

function misplacedKey(key: string): string | undefined {
  if (Object.hasOwn(serverKeys, key)) {
    return `belongs to a server: ${SECTION}.Servers.{name}.${key}`;
  }
  return Object.hasOwn(FORMER_KEYS, key) ? FORMER_KEYS[key] : undefined;
}
