/**
 * Finds and reads the configuration that a command works with.
 *
 * @module
 */
import { type ConfigSource, loadConfigSource } from "../config/config_source.ts";
import { findConfig } from "../config/find_config.ts";

/** Options of every command that reads the configuration. */
export interface ConfigFlags {
  readonly config?: string;
  readonly address?: string;
  readonly port?: number;
}

/**
 * Finds and reads the configuration.
 *
 * @param flags What the command line says.
 * @returns The configuration as data.
 * @throws {ConfigError} When there is none, or it cannot be read.
 */
export async function loadConfig(flags: ConfigFlags): Promise<ConfigSource> {
  return await loadConfigSource(await findConfig({ config: flags.config }), {
    listen: { address: flags.address, port: flags.port },
  });
}
