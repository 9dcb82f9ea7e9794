/**
 * Reads everything a configuration consists of: the file, the environment variables and the files it
 * refers to. `parseConfig` makes the configuration of them.
 *
 * @module
 */
import { dirname, resolve } from "node:path";
import { type ConfigDocument, readDocument } from "./config_document.ts";
import { ConfigError, type ConfigProblem, type KeyPath, keyPath } from "./config_error.ts";
import { signingWays } from "./credentials/signing_ways.ts";
import { FileTexts, noSuchFile } from "./file_texts.ts";
import { type Environment, stateHome } from "./find_config.ts";
import { namedFiles } from "./named_files.ts";
import { environmentVariable } from "./environment.ts";
import { isObject, rawKeys } from "./read_context.ts";
import { SECTION } from "./schema.ts";
import { isSecret, literalSecrets } from "./literal_secrets.ts";
import {
  type FileFacts,
  fileFacts,
  isContainerSecret,
  openFileWarning,
  type SecretFile,
} from "./open_files.ts";
import { substitute, type SubstitutionSources } from "./substitution.ts";

/** Has the runtime's own OpenTelemetry trace requests, with `true` or `1`. */
export const TRACING_VARIABLE = "OTEL_DENO";

/** Everything a configuration consists of. */
export interface ConfigSource {
  /** Absolute path of the file. */
  readonly path: string;
  /** The gateway's part of the file, its variables replaced. */
  readonly document: ConfigDocument;
  /** Contents of the files that keys name, by path as written there. */
  readonly files: Readonly<Record<string, string>>;
  /** The environment variables that settings are taken from, where they are set. */
  readonly environment: Readonly<Record<string, string>>;
  /** The state directory where the file names none. */
  readonly defaultStateDirectory: string;
  /** What went wrong so far; `parseConfig` adds what else is wrong. */
  readonly problems: readonly ConfigProblem[];
  /** What is allowed but dangerous in the way it was found. */
  readonly warnings?: readonly string[];
}

/** How a configuration is read. */
export interface ConfigSourceOptions {
  /** Environment variables by name. */
  readonly env?: Environment;
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
 * Reads a configuration file and all that it refers to.
 *
 * @param path Path of the file.
 * @param options Where to read.
 * @returns The configuration as data, with the problems found while reading.
 * @throws {ConfigError} When there is no section to go on with: no file, no JSON, no `DicomWebOAuth`.
 */
export async function loadConfigSource(
  path: string,
  options: ConfigSourceOptions = {},
): Promise<ConfigSource> {
  const env = options.env ?? environmentVariable;
  const absolute = resolve(path);
  const texts = new FileTexts(dirname(absolute), options.readTextFile ?? Deno.readTextFile);

  const main = await texts.read(absolute);
  if ("failure" in main) {
    throw new ConfigError(absolute, [unreadable(path, main.failure)]);
  }
  // The first pass finds out which files the variables refer to, the second has their contents.
  complete(main.content, { variable: env, file: texts.want });
  await texts.readWanted();
  const { document, problems, secretFiles } = complete(main.content, {
    variable: env,
    file: texts.get,
  });
  if (document === undefined) throw new ConfigError(absolute, problems);

  const section = withListen(document[SECTION], options.listen ?? {});
  const files: [string, string][] = [];
  for (const named of namedFiles(section)) {
    const text = await texts.read(named.file);
    if ("content" in text) files.push([named.file, text.content]);
    else {
      const message = `the file ${named.file} cannot be read: ${text.failure}`;
      problems.push({ code: "CFG-002", path: keyPath(named.path), message });
    }
  }
  checkKvToken(section, env, problems);
  const withSecrets: SecretFile[] = [];
  const literal = literalSecrets(main.content);
  if (literal.length > 0) {
    const remedy = "run chmod 600, or write ${NAME} or ${file:PATH} in place of the secret";
    withSecrets.push({ path: absolute, keys: literal, remedy });
  }
  for (const [file, keys] of secretFiles) {
    const path = resolve(dirname(absolute), file);
    // The kubelet writes secrets with mode 0644 for one pod alone, wherever that has them.
    if (env(POD_VARIABLE) || isContainerSecret(path)) continue;
    withSecrets.push({ path, keys, remedy: "run chmod 600" });
  }
  const warnings = await Promise.all(
    withSecrets.map((file) => openFileWarning(file, options.fileFacts ?? fileFacts)),
  );
  return {
    path: absolute,
    document: { ...document, [SECTION]: section },
    files: Object.fromEntries(files),
    environment: environmentOf(env),
    defaultStateDirectory: stateHome(env),
    problems,
    warnings: warnings.filter((warning) => warning !== undefined),
  };
}

function environmentOf(env: Environment): Record<string, string> {
  const names = new Set([
    ...signingWays.flatMap(({ environment }) => environment),
    TRACING_VARIABLE,
  ]);
  const set: Record<string, string> = {};
  for (const name of names) {
    const value = env(name);
    if (value) set[name] = value;
  }
  return set;
}

function complete(text: string, sources: SubstitutionSources): {
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
    for (const name of isSecret(result.value, path) ? read : []) {
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
  { address, port }: NonNullable<ConfigSourceOptions["listen"]>,
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

/** Deno takes the token of a remote KV from the environment and from nowhere else. */
function checkKvToken(section: unknown, env: Environment, problems: ConfigProblem[]): void {
  const { Backend: backend, Url: url } = rawKeys(rawKeys(section)["TokenCache"]);
  if (backend !== "kv" || url === undefined || env("DENO_KV_ACCESS_TOKEN")) return;
  problems.push({
    code: "CFG-003",
    path: keyPath([SECTION, "TokenCache", "Url"]),
    message: "a KV service needs the environment variable DENO_KV_ACCESS_TOKEN, which is not set",
  });
}
