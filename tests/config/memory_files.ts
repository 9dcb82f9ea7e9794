/**
 * Loads configurations whose files and environment variables live in memory.
 */
import assert from "node:assert/strict";
import { ConfigError, type ConfigProblem } from "../../src/config/values/config_error.ts";
import type { ConfigSource } from "../../src/config/parse_config.ts";
import { readConfig, type ReadConfigOptions } from "../../src/config/file/load_config.ts";
import type { Reach } from "../../src/config/schemes/scheme.ts";
import type { ServerConfig } from "../../src/config/keys/server.ts";
import type { GatewayConfig } from "../../src/config/gateway_config.ts";
import { parseConfig } from "../../src/config/parse_config.ts";
import { postable, received } from "../../src/config/posted_config.ts";

/** Path of the configuration. */
export const CONFIG_PATH = "/srv/gateway/gateway.json";

/** The environment of a configuration. */
export interface Surroundings extends Pick<ReadConfigOptions, "listen"> {
  readonly env?: Readonly<Record<string, string>>;
  /** Further files, by absolute path. */
  readonly files?: Readonly<Record<string, string | Uint8Array>>;
}

/** Reads a configuration; `content` is the text of the file or its JSON value. */
export function loadFromMemory(
  content: string | Uint8Array | Readonly<Record<string, unknown>>,
  surroundings: Surroundings = {},
): Promise<ConfigSource> {
  const isFile = typeof content === "string" || content instanceof Uint8Array;
  const text = isFile ? content : JSON.stringify(content);
  const files = new Map<string, string | Uint8Array>(
    Object.entries({ ...surroundings.files, [CONFIG_PATH]: text }),
  );
  const env = new Map(Object.entries({ HOME: "/home/gateway", ...surroundings.env }));
  return readConfig(CONFIG_PATH, {
    env: (name) => env.get(name),
    readFile: (path) => {
      const found = files.get(path);
      return found === undefined
        ? Promise.reject(new Deno.errors.NotFound("No such file or directory (os error 2)"))
        : Promise.resolve(typeof found === "string" ? new TextEncoder().encode(found) : found);
    },
    ...(surroundings.listen && { listen: surroundings.listen }),
  });
}

/** Parses a section to the configuration that workers receive. */
export async function parseSection(
  section: Readonly<Record<string, unknown>>,
  surroundings: Surroundings = {},
): Promise<GatewayConfig> {
  const config = await parseConfig(
    await loadFromMemory({ DicomWebOAuth: section }, surroundings),
  );
  return received(structuredClone(postable(config)));
}

/** Parses a server. */
export async function parseServer(
  server: Readonly<Record<string, unknown>>,
  surroundings: Surroundings = {},
): Promise<ServerConfig> {
  return (await parseSection({ Servers: { main: server } }, surroundings)).servers.get("main")!;
}

/** What the credentials of the server `main` reach, without possible hosts. */
export function reachOf(config: GatewayConfig): Omit<Reach, "possibleUrls"> {
  const { possibleUrls: _, ...reach } = config.servers.get("main")!.reach;
  return reach;
}

/** The problems of a configuration; `content` is the text of the file or its JSON value. */
export async function problemsOf(
  content: string | Uint8Array | Readonly<Record<string, unknown>>,
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

/** The problems of a section as lines, such as `CFG-002 Listen.Port: must be at most 65535`. */
export async function sectionProblems(
  section: Readonly<Record<string, unknown>>,
  surroundings: Surroundings = {},
): Promise<string[]> {
  return (await problemsOf({ DicomWebOAuth: section }, surroundings)).map(
    ({ code, path, message }) => `${code} ${path.replace("DicomWebOAuth.", "")}: ${message}`,
  );
}

/** The problems of a server as lines, such as `CFG-001 Url: a server needs Url`. */
export async function serverProblems(
  server: Readonly<Record<string, unknown>>,
  surroundings: Surroundings = {},
): Promise<string[]> {
  const lines = await sectionProblems({ Servers: { main: server } }, surroundings);
  return lines.map((line) => line.replace("Servers.main.", ""));
}

/** Asserts that there is one problem, whose line starts with a text. */
export function assertProblem(problems: readonly string[], start: string): void {
  assert.equal(problems.length, 1, problems.join("\n"));
  assert(problems[0]!.startsWith(start), problems[0]);
}
