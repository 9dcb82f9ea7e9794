/**
 * Loads the configuration of a command, and selects the servers named on the command line.
 */
import { findConfig } from "../config/file/find_config.ts";
import { readConfig } from "../config/file/load_config.ts";
import type { GatewayConfig } from "../config/gateway_config.ts";
import { type ConfigSource, parseConfig } from "../config/parse_config.ts";
import { nearestName } from "../config/values/nearest_name.ts";
import { complain } from "./terminal.ts";

/** Options of every command that reads the configuration. */
export interface ConfigFlags {
  readonly config?: string;
  readonly address?: string;
  readonly port?: number;
}

/** @throws {ConfigError} When there is no configuration, or it is invalid. */
export async function loadConfig(flags: ConfigFlags): Promise<GatewayConfig> {
  return await parseConfig(await findSource(flags));
}

/** @throws {ConfigError} When there is no configuration, or it cannot be read. */
export async function findSource(flags: ConfigFlags): Promise<ConfigSource> {
  return await readConfig(await findConfig({ config: flags.config }), {
    listen: { address: flags.address, port: flags.port },
  });
}

/**
 * The names of the servers that a command concerns, each once: all servers if it names none.
 * Complains about an unknown one, and returns undefined.
 */
export function selectServers(
  { servers }: Pick<GatewayConfig, "servers">,
  named: readonly string[],
): string[] | undefined {
  const known = [...servers.keys()];
  const unknown = named.find((name) => !servers.has(name));
  if (unknown === undefined) return named.length === 0 ? known : [...new Set(named)];
  const nearest = nearestName(unknown, known);
  complain(
    `Unknown server "${unknown}". ` +
      (nearest ? `Did you mean "${nearest}"?` : `The configuration has: ${known.join(", ")}.`),
  );
  return undefined;
}
