/**
 * Finds and reads the configuration that a command works with.
 *
 * @module
 */
import { type ConfigSource, loadConfigSource } from "../config/config_source.ts";
import { findConfig } from "../config/find_config.ts";
import type { GatewayConfig } from "../config/gateway_config.ts";
import { parseConfig } from "../config/parse_config.ts";

/** Options of every command that reads the configuration. */
export interface ConfigFlags {
  readonly config?: string;
  readonly address?: string;
  readonly port?: number;
}

/**
 * Finds, reads and parses the configuration.
 *
 * @throws {ConfigError} When there is none, or it cannot be used.
 */
export async function loadConfig(flags: ConfigFlags): Promise<GatewayConfig> {
  return parseConfig(await readConfig(flags));
}

/**
 * Finds and reads the configuration without parsing it.
 *
 * @throws {ConfigError} When there is none, or it cannot be read.
 */
export async function readConfig(flags: ConfigFlags): Promise<ConfigSource> {
  return await loadConfigSource(await findConfig({ config: flags.config }), {
    listen: { address: flags.address, port: flags.port },
  });
}
