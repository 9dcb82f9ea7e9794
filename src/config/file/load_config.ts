/**
 * Reads a configuration: the file, the environment variables and the files it refers to. Only the
 * supervisor and the commands may; workers get the parsed configuration.
 *
 * @module
 */
import { dirname, resolve } from "node:path";
import type { GatewayConfig } from "../gateway_config.ts";
import { type ConfigSource, parseConfig } from "../parse_config.ts";
import { ConfigError, type ConfigProblem, type KeyPath, keyPath } from "../values/config_error.ts";
import { SECTION } from "../values/section.ts";
import type { Environment } from "../values/sources.ts";
import { type ConfigDocument, isObject, readDocument } from "./config_document.ts";
import { FileTexts, noSuchFile } from "./file_texts.ts";
import { stateHome, type Variables } from "./find_config.ts";
import { environmentVariable } from "../environment.ts";
import {
  type FileFacts,
  fileFacts,
  isContainerSecret,
  openFileWarning,
  type SecretFile,
} from "./open_files.ts";
import { secretKeys } from "./secret_keys.ts";
import { substitute, type SubstitutionSources } from "./substitution.ts";

/** How a configuration is read. */
export interface ReadConfigOptions {
  /** Environment variables by name. */
  readonly env?: Variables;
  /** Reads a file as text. */
  readonly readTextFile?: (path: string) => Promise<string>;
  /** Tells who may read files. */
  readonly fileFacts?: FileFacts;
  /** What the command line says instead of `Listen`. */
  readonly listen?: { readonly address?: string | undefined; readonly port?: number | undefined };
}

/** Set in every container of Kubernetes, whatever the pod says of others. */
const POD_VARIABLE = "KUBERNETES_SERVICE_HOST";

/**
 * Reads and parses a configuration.
 *
 * @throws {ConfigError} When it cannot be used.
 */
export async function loadConfig(
  path: string,
  options: ReadConfigOptions = {},
): Promise<GatewayConfig> {
  return await parseConfig(await readConfig(path, options));
}

/**
 * Reads a configuration file and all that its strings refer to.
 *
 * @throws {ConfigError} When there is no section to go on with: no file, no JSON, no `DicomWebOAuth`.
 */
export async function readConfig(
  path: string,
  options: ReadConfigOptions = {},
): Promise<ConfigSource> {
  const env = options.env ?? environmentVariable;
  const absolute = resolve(path);
  const directory = dirname(absolute);
  const texts = new FileTexts(directory, options.readTextFile ?? Deno.readTextFile);

  const main = await texts.read(absolute);
  if ("failure" in main) {
    throw new ConfigError(absolute, [unreadable(path, main.failure)]);
  }
  const written = readDocument(main.content, (value) => value).document?.[SECTION];
  const secrets = secretKeys(written);
  // The first pass finds out which files the variables refer to, the second has their contents.
  complete(main.content, secrets, { variable: env, file: texts.want });
  await texts.readWanted();
  const { document, problems, secretFiles } = complete(main.content, secrets, {
    variable: env,
    file: texts.get,
  });
  if (document === undefined) throw new ConfigError(absolute, problems);

  const withSecrets: SecretFile[] = [];
  const literal = literalSecrets(main.content, secrets);
  if (literal.length > 0) {
    const advice = "run chmod 600, or write ${NAME} or ${file:PATH} in place of the secret";
    withSecrets.push({ path: absolute, keys: literal, advice });
  }
  for (const [file, keys] of secretFiles) {
    const path = resolve(directory, file);
    // The kubelet writes secrets with mode 0644 for one pod alone, wherever that has them.
    if (env(POD_VARIABLE) || isContainerSecret(path)) continue;
    withSecrets.push({ path, keys, advice: "run chmod 600" });
  }
  const warnings = await Promise.all(
    withSecrets.map((file) => openFileWarning(file, options.fileFacts ?? fileFacts)),
  );
  return {
    path: absolute,
    document: { ...document, [SECTION]: withListen(document[SECTION], options.listen ?? {}) },
    sources: {
      directory,
      stateHome: stateHome(env),
      environment: environmentOf(env),
      read: (path) => texts.read(path),
    },
    problems,
    warnings: warnings.filter((warning) => warning !== undefined),
  };
}

/** Whichever variables the transforms of schemas ask for. */
function environmentOf(env: Variables): Environment {
  return new Proxy({}, { get: (_, name) => env(String(name)) || undefined });
}

function literalSecrets(text: string, secrets: ReadonlySet<string>): string[] {
  const found: string[] = [];
  readDocument(text, (value, path) => {
    if (value !== "" && !value.includes("${") && secrets.has(keyPath(path))) {
      found.push(keyPath(path));
    }
    return value;
  });
  return found;
}

function complete(text: string, secrets: ReadonlySet<string>, sources: SubstitutionSources): {
  readonly document: ConfigDocument | undefined;
  readonly problems: ConfigProblem[];
  /** Files that secrets are read from, as written, each with the keys of these secrets. */
  readonly secretFiles: ReadonlyMap<string, readonly string[]>;
} {
  const faults: ConfigProblem[] = [];
  const secretFiles = new Map<string, string[]>();
  const { document, problems } = readDocument(text, (value, path: KeyPath) => {
    const read: string[] = [];
    const file = (name: string) => {
      read.push(name);
      return sources.file(name);
    };
    const result = substitute(value, { ...sources, file });
    for (const { absent, message } of result.faults) {
      faults.push({ code: absent ? "CFG-003" : "CFG-002", path: keyPath(path), message });
    }
    if (result.faults.length > 0) return value;
    for (const name of secrets.has(keyPath(path)) ? read : []) {
      secretFiles.set(name, [...secretFiles.get(name) ?? [], keyPath(path)]);
    }
    return result.value;
  });
  return { document, problems: [...problems, ...faults], secretFiles };
}

function unreadable(path: string, failure: string): ConfigProblem {
  const isMissing = failure === "no such file";
  const hint = failure === "it is a directory" ? "; name the file in it" : "";
  return {
    code: isMissing ? "CFG-001" : "CFG-002",
    path: "",
    message: `the file cannot be read: ${isMissing ? noSuchFile(path) : failure + hint}`,
  };
}

function withListen(
  section: unknown,
  { address, port }: NonNullable<ReadConfigOptions["listen"]>,
): unknown {
  if (!isObject(section) || (address === undefined && port === undefined)) return section;
  const listen = section["Listen"] ?? {};
  if (!isObject(listen)) return section;
  return {
    ...section,
    Listen: {
      ...listen,
      ...(address !== undefined && { Address: address }),
      ...(port !== undefined && { Port: port }),
    },
  };
}
