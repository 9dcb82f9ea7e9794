/**
 * The default places of configuration and state (XDG Base Directory Specification).
 */
import { isAbsolute, join, resolve } from "node:path";
import { ConfigError } from "../values/config_error.ts";
import { environmentVariable } from "../environment.ts";

export type Variables = (name: string) => string | undefined;

interface FindConfigOptions {
  /** The path given on the command line. */
  readonly config?: string | undefined;
  readonly env?: Variables;
  readonly exists?: (path: string) => Promise<boolean>;
}

const NAME = "dicomweb-gateway";
const FILE = "gateway.json";

/**
 * Finds the configuration file. Does not check a given path: reading it reports a missing file.
 *
 * @returns The path as given, else absolute.
 * @throws {ConfigError} CFG-001 with the places searched, if there is none.
 */
export async function findConfig(options: FindConfigOptions = {}): Promise<string> {
  const env = options.env ?? environmentVariable;
  const exists = options.exists ?? somethingIsAt;
  const given = options.config || env("DICOMWEB_GATEWAY_CONFIG");
  if (given) return given;

  const configHome = absolute(env("XDG_CONFIG_HOME")) ?? inHome(env, ".config");
  const places = [
    resolve(FILE),
    ...(configHome === undefined ? [] : [join(configHome, NAME, FILE)]),
    join("/etc", NAME, FILE),
  ];
  for (const place of places) if (await exists(place)) return place;
  const [here, ...elsewhere] = places;
  const message = [
    "no configuration file was given with --config or DICOMWEB_GATEWAY_CONFIG, and there is none at",
    ...[`${here} (the working directory)`, ...elsewhere].map((place) => `    ${place}`),
    "  Try the gateway without one: deno task demo",
  ].join("\n");
  throw new ConfigError("of the gateway", [{ code: "CFG-001", path: "", message }]);
}

/** Absolute path of the default directory for state, which need not exist. */
export function stateHome(env: Variables = environmentVariable): string {
  const home = absolute(env("XDG_STATE_HOME")) ?? inHome(env, ".local/state") ?? "/var/lib";
  return join(home, NAME);
}

function inHome(env: Variables, directory: string): string | undefined {
  const home = env("HOME") || env("USERPROFILE");
  return home ? join(home, directory) : undefined;
}

/** Ignores relative paths, as the specification requires. */
function absolute(path: string | undefined): string | undefined {
  return path !== undefined && isAbsolute(path) ? path : undefined;
}

async function somethingIsAt(path: string): Promise<boolean> {
  try {
    await Deno.stat(path);
    return true;
  } catch (error) {
    // Without permission to look, there may be a file: reading it reports what is wrong.
    return !(error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory);
  }
}
