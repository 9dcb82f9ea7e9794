/**
 * Finds and reads the configuration that a command works with.
 *
 * @module
 */
import { findConfig } from "../config/file/find_config.ts";
import { readConfig } from "../config/file/load_config.ts";
import type { GatewayConfig } from "../config/gateway_config.ts";
import { type ConfigSource, parseConfig } from "../config/parse_config.ts";

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
  return await parseConfig(await findSource(flags));
}

/**
 * Finds and reads the configuration without parsing it.
 *
 * @throws {ConfigError} When there is none, or it cannot be read.
 */
export async function findSource(flags: ConfigFlags): Promise<ConfigSource> {
  return await readConfig(await findConfig({ config: flags.config }), {
    listen: { address: flags.address, port: flags.port },
  });
}
