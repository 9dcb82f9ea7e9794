/**
 * Reads a configuration: the file, and the environment variables and files it refers to. Only for the
 * supervisor and the commands; workers get the parsed configuration.
 */
import { dirname, resolve } from "node:path";
import type { GatewayConfig } from "../gateway_config.ts";
import { type ConfigSource, parseConfig } from "../parse_config.ts";
import { ConfigError, type ConfigProblem, keyPath } from "../values/config_error.ts";
import { valueDoubt, valueFault, type ValueUse } from "../values/damaged_value.ts";
import { isObject } from "../values/keys_of.ts";
import { SECTION } from "../values/section.ts";
import type { Environment } from "../values/sources.ts";
import type { SecretKind } from "../values/value_schemas.ts";
import { type ConfigDocument, readDocument } from "./config_document.ts";
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
import { substitute, type SubstitutedPart, type SubstitutionSources } from "./substitution.ts";

export interface ReadConfigOptions {
  readonly env?: Variables;
  readonly readFile?: (path: string) => Promise<Uint8Array>;
  readonly fileFacts?: FileFacts;
  /** Overrides of `Listen` on the command line. */
  readonly listen?: { readonly address?: string | undefined; readonly port?: number | undefined };
}

/** Set in every container of Kubernetes. */
const POD_VARIABLE = "KUBERNETES_SERVICE_HOST";

/** @throws {ConfigError} If the configuration cannot be used. */
export async function loadConfig(
  path: string,
  options: ReadConfigOptions = {},
): Promise<GatewayConfig> {
  return await parseConfig(await readConfig(path, options));
}

/**
 * Reads a configuration file and all that its strings refer to.
 *
 * @throws {ConfigError} If there is no section to parse: no file, no JSON, no `DicomWebOAuth`.
 */
export async function readConfig(
  path: string,
  options: ReadConfigOptions = {},
): Promise<ConfigSource> {
  const env = options.env ?? environmentVariable;
  const absolute = resolve(path);
  const directory = dirname(absolute);
  const texts = new FileTexts(directory, options.readFile ?? Deno.readFile);

  const main = await texts.read(absolute);
  if ("failure" in main) {
    throw new ConfigError(absolute, [unreadable(path, main.failure)]);
  }
  // The first pass finds the files that strings refer to, the second replaces them by their contents.
  const wanted = new Set<string>();
  const want = (path: string) => {
    wanted.add(path);
    return { content: "" };
  };
  const { document: written } = readDocument(main.content, (value) => {
    substitute(value, { variable: env, file: want });
    return value;
  });
  for (const path of wanted) await texts.read(path);
  const { document, problems, literalSecrets, secretFiles, doubts } = complete(
    main.content,
    secretKeys(written?.[SECTION]),
    { variable: env, file: (path) => texts.secret(path) },
  );
  if (document === undefined) throw new ConfigError(absolute, problems);

  const withSecrets: SecretFile[] = [];
  if (literalSecrets.length > 0) {
    const advice = "run chmod 600, or write ${NAME} or ${file:PATH} in place of the secret";
    withSecrets.push({ path: absolute, keys: literalSecrets, advice });
  }
  for (const [file, keys] of secretFiles) {
    const path = resolve(directory, file);
    // The kubelet writes secrets with mode 0644 for one pod alone, at any path.
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
    warnings: [...warnings.filter((warning) => warning !== undefined), ...doubts],
  };
}

/** A view that reads each variable on access. */
function environmentOf(env: Variables): Environment {
  return new Proxy({}, { get: (_, name) => env(String(name)) || undefined });
}

function complete(
  text: string,
  secrets: ReadonlyMap<string, SecretKind>,
  sources: SubstitutionSources,
): {
  readonly document: ConfigDocument | undefined;
  readonly problems: ConfigProblem[];
  /** The keys of secrets that are in the file itself. */
  readonly literalSecrets: readonly string[];
  /** Files that contain secrets, as written, each with the keys of these secrets. */
  readonly secretFiles: ReadonlyMap<string, readonly string[]>;
  /** Warnings about values that are probably damaged. */
  readonly doubts: readonly string[];
} {
  const faults: ConfigProblem[] = [];
  const literalSecrets: string[] = [];
  const secretFiles = new Map<string, string[]>();
  const doubts: string[] = [];
  const { document, problems } = readDocument(text, (value, steps) => {
    const path = keyPath(steps);
    const kind = secrets.get(path);
    const isSecret = kind !== undefined;
    const use = { isDocument: false, ...kind, isSecret };
    if (isSecret && value !== "" && !value.includes("${")) {
      literalSecrets.push(path);
      const doubt = valueDoubt(value, use);
      if (doubt !== undefined) doubts.push(`${path}: ${doubt}`);
    }
    const result = substitute(value, sources);
    for (const { absent, message } of result.faults) {
      faults.push({ code: absent ? "CFG-003" : "CFG-002", path, message });
    }
    if (result.faults.length > 0) return value;
    for (const part of result.parts) {
      const { fault, doubt } = damageOf(part, use);
      if (fault !== undefined) faults.push({ code: "CFG-002", path, message: fault });
      if (doubt !== undefined) doubts.push(`${path}: ${doubt}`);
    }
    for (const { from, name } of isSecret ? result.parts : []) {
      if (from !== "file") continue;
      secretFiles.set(name, [...secretFiles.get(name) ?? [], path]);
    }
    return result.value;
  });
  return { document, problems: [...problems, ...faults], literalSecrets, secretFiles, doubts };
}

/** What is wrong with the value of a variable or file, and what may be. */
function damageOf({ from, name, content }: SubstitutedPart, use: ValueUse): {
  readonly fault: string | undefined;
  readonly doubt: string | undefined;
} {
  const origin = from === "file" ? `the file ${name}` : `the environment variable ${name}`;
  const about = (what: string | undefined) => what && `${origin} ${what}`;
  const isEmpty = from === "file" && use.isSecret && content === "";
  return {
    fault: about(isEmpty ? "is empty" : valueFault(content, use)),
    doubt: about(valueDoubt(content, use)),
  };
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
