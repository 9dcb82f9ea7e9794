/**
 * Servers named on the command line.
 *
 * @module
 */
import type { GatewayConfig } from "../config/gateway_config.ts";
import { nearestName } from "../config/values/nearest_name.ts";
import { complain } from "./terminal.ts";

/**
 * The servers that are meant.
 *
 * @param named Those named on the command line; all where none is.
 * @returns Their names, each once; nothing after a complaint where one is unknown.
 */
export function serversMeant(
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
