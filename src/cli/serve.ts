/**
 * The `serve` command: runs the gateway until it is stopped by a signal.
 */
import type { GatewayConfig } from "../config/gateway_config.ts";
import { hideEnvironment } from "../config/environment.ts";
import { onReloadSignal, shutdownSignal } from "../runtime/process_signals.ts";
import { explainDeno } from "../runtime/deno_version.ts";
import { keepFilesPrivate } from "../runtime/state_directory.ts";
import { Supervisor } from "../runtime/supervisor.ts";
import type { Logger } from "../telemetry/logger.ts";
import { configureLogging, createLogger } from "../telemetry/logging.ts";
import { reasonOf } from "../errors/reason.ts";
import { ExitCode } from "./exit_code.ts";
import { type ConfigFlags, loadConfig } from "./load.ts";
import { complain, printInBackground } from "./terminal.ts";

/**
 * Serves until SIGINT or SIGTERM, then drains. SIGHUP reloads the configuration.
 *
 * @param ignoredProxies Environment variables of proxies, which the gateway ignores.
 * @throws {ConfigError} When the configuration is invalid.
 * @throws {Error} When it cannot listen.
 */
export async function serve(
  flags: ConfigFlags,
  version: string,
  ignoredProxies: readonly string[],
): Promise<number> {
  const { verdict, reason } = explainDeno(Deno.version.deno);
  if (verdict === "unfit") {
    complain(reason);
    return ExitCode.failure;
  }
  keepFilesPrivate();
  const ended = shutdownSignal(() => Deno.exit(ExitCode.failure));
  const config = await loadConfig(flags);
  hideEnvironment();
  configureLogging(config.log);
  const logger = createLogger("runtime");
  if (verdict === "slow") logger.warn(reason);
  for (const name of ignoredProxies) {
    logger.warn(`${name} is ignored; set the proxy with the configuration key Proxy`);
  }
  warn(config, logger);
  const supervisor = await Supervisor.start({ config, logger, version, print: printInBackground });
  logger.info("Listening", { url: supervisor.url, servers: config.servers.size, version });

  onReloadSignal(async () => {
    if (!ended.aborted) await reload(supervisor, flags, logger);
  });
  if (!ended.aborted) {
    await new Promise<void>((resolve) => ended.addEventListener("abort", () => resolve()));
  }
  logger.info("Draining", { signal: String(ended.reason), timeoutMs: config.drainTimeoutMs });
  const finished = await supervisor.stop();
  if (finished) logger.info("Stopped");
  else logger.warn("Stopped; the drain timeout expired and the remaining transfers were aborted");
  return ExitCode.ok;
}

async function reload(supervisor: Supervisor, flags: ConfigFlags, logger: Logger): Promise<void> {
  try {
    const config = await supervisor.reload(() => loadConfig(flags));
    configureLogging(config.log);
    warn(config, logger);
    logger.info("Reloaded the configuration", { servers: config.servers.size });
  } catch (error) {
    const reason = reasonOf(error);
    logger.error("Reload failed; the previous configuration stays in use", { reason });
  }
}

function warn(config: GatewayConfig, logger: Logger): void {
  for (const warning of config.warnings ?? []) logger.warn(warning);
}
