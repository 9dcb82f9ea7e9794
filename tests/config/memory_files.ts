/**
 * Loads configurations whose files and environment variables live in memory.
 *
 * @module
 */
import { ConfigError, type ConfigProblem } from "../../src/config/values/config_error.ts";
import type { ConfigSource } from "../../src/config/parse_config.ts";
import { readConfig, type ReadConfigOptions } from "../../src/config/file/load_config.ts";
import type { Reach } from "../../src/config/schemes/scheme.ts";
import type { GatewayConfig } from "../../src/config/gateway_config.ts";
import { parseConfig } from "../../src/config/parse_config.ts";
import { postable, received } from "../../src/config/posted_config.ts";

/** Where the configuration is said to stand. */
export const CONFIG_PATH = "/srv/gateway/gateway.json";

/** What surrounds a configuration. */
export interface Surroundings extends Pick<ReadConfigOptions, "listen"> {
  readonly env?: Readonly<Record<string, string>>;
  /** Further files, by absolute path. */
  readonly files?: Readonly<Record<string, string>>;
}

/**
 * Reads a configuration.
 *
 * @param content Text of the file, or what it holds.
 */
export function loadFromMemory(
  content: string | Readonly<Record<string, unknown>>,
  surroundings: Surroundings = {},
): Promise<ConfigSource> {
  const text = typeof content === "string" ? content : JSON.stringify(content);
  const files = new Map(Object.entries({ ...surroundings.files, [CONFIG_PATH]: text }));
  const env = new Map(Object.entries({ HOME: "/home/gateway", ...surroundings.env }));
  return readConfig(CONFIG_PATH, {
    env: (name) => env.get(name),
    readTextFile: (path) => {
      const found = files.get(path);
      return found === undefined
        ? Promise.reject(new Deno.errors.NotFound("No such file or directory (os error 2)"))
        : Promise.resolve(found);
    },
    ...(surroundings.listen && { listen: surroundings.listen }),
  });
}

/**
 * Reads and parses the section of a configuration.
 *
 * @returns The configuration as a worker receives it.
 */
export async function parseSection(
  section: Readonly<Record<string, unknown>>,
  surroundings: Surroundings = {},
): Promise<GatewayConfig> {
  const config = await parseConfig(
    await loadFromMemory({ DicomWebOAuth: section }, surroundings),
  );
  return received(structuredClone(postable(config)));
}

/** What the credentials of the server `main` reach, possible hosts apart. */
export function reachOf(config: GatewayConfig): Omit<Reach, "possibleUrls"> {
  const { possibleUrls: _, ...reach } = config.servers.get("main")!.reach;
  return reach;
}

/**
 * Reads and parses a configuration that must be wrong.
 *
 * @param content Text of the file, or what it holds.
 * @returns What is wrong with it; empty when nothing is.
 */
export async function problemsOf(
  content: string | Readonly<Record<string, unknown>>,
  surroundings: Surroundings = {},
): Promise<readonly ConfigProblem[]> {
  try {
    await parseConfig(await loadFromMemory(content, surroundings));
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}
