/**
 * Converts a configuration of the plugin `orthanc-dicomweb-oauth` to one of the gateway, with a note
 * about each key that was kept, changed or left out. Secrets are replaced by variables and never shown.
 * Reads no files.
 *
 * @module
 */
import { withoutTrailing } from "../../dicomweb/without_trailing.ts";
import { readDocument } from "../file/config_document.ts";
import { secretKeys } from "../file/secret_keys.ts";
import { FORMER_KEYS, sectionKeys } from "../gateway_config.ts";
import { serverKeys } from "../keys/server.ts";
import { schemes } from "../schemes/schemes.ts";
import { ConfigError, type ConfigProblem, type KeyPath, keyPath } from "../values/config_error.ts";
import { isObject } from "../values/keys_of.ts";
import { SECTION } from "../values/section.ts";

/** What happened to one key. */
export interface ImportNote {
  readonly kind: "kept" | "changed" | "left out";
  readonly path: string;
  /** What was done, or what is different now. */
  readonly message: string;
}

/** A converted configuration. */
export interface ImportedConfig {
  /** The file's content. */
  readonly document: Readonly<Record<string, unknown>>;
  /** The same with the original secrets, to check it. */
  readonly withSecrets: Readonly<Record<string, unknown>>;
  readonly notes: readonly ImportNote[];
  /** What must be fixed manually. */
  readonly problems: readonly ConfigProblem[];
}

/** Keys that are kept and had no effect in the plugin. */
const NEW_EFFECTS: Readonly<Record<string, string>> = {
  JWTPublicKey: "now takes effect: a token that fails validation is rejected",
  RateLimitRequests: "now takes effect: clients that exceed it are rejected with 429",
};

const KNOWN_OF_SERVERS: ReadonlySet<string> = new Set([
  ...Object.keys(serverKeys),
  ...schemes.flatMap(({ keys }) => Object.keys(keys)),
]);

/**
 * Converts the plugin's configuration.
 *
 * @param path Path of the file, for messages.
 * @param text An `orthanc.json`, or a file with the section.
 * @throws {ConfigError} If the text has no section of the plugin.
 */
export function importPlugin(path: string, text: string, keepSecrets: boolean): ImportedConfig {
  const notes: ImportNote[] = [];
  const variables = new Set<string>();
  const make = (secrets: ReadonlySet<string>) => {
    const { document, problems } = readDocument(text, (value, at) => {
      if (value === "" || value.includes("${") || !secrets.has(keyPath(at))) return value;
      const name = variableFor(at, variables);
      variables.add(name);
      const message =
        `is written as \${${name}}: set this variable to the secret in the original file`;
      notes.push({ kind: "changed", path: keyPath(at), message });
      return `\${${name}}`;
    });
    if (document === undefined) throw new ConfigError(path, problems);
    return { section: rawKeys(document[SECTION]), version: document.ConfigVersion, problems };
  };
  const plain = make(new Set());
  const final = keepSecrets ? plain : make(secretKeys(plain.section));
  const changed = new Set(notes.map((each) => each.path));
  const note = (each: ImportNote) => {
    if (!changed.has(each.path)) notes.push(each);
  };
  if (String(plain.version ?? plain.section["ConfigVersion"] ?? "1").startsWith("1")) {
    const message = 'is "2.0": what version 1 left open is the same by default';
    note({ kind: "changed", path: "ConfigVersion", message });
  } else if (plain.version !== undefined) {
    const message = `is now in ${SECTION}`;
    note({ kind: "changed", path: "ConfigVersion", message });
  }
  return {
    document: { [SECTION]: sectionOf(final.section, note) },
    withSecrets: { [SECTION]: sectionOf(plain.section, () => {}) },
    notes,
    problems: plain.problems,
  };
}

function sectionOf(
  section: Readonly<Record<string, unknown>>,
  note: (note: ImportNote) => void,
): Record<string, unknown> {
  const kept: [string, unknown][] = [["ConfigVersion", "2.0"]];
  for (const [key, value] of Object.entries(section)) {
    if (key === "ConfigVersion" || key === "Servers") continue;
    const path = keyPath([SECTION, key]);
    if (Object.hasOwn(sectionKeys, key)) {
      kept.push([key, value]);
      note({ kind: "kept", path, message: NEW_EFFECTS[key] ?? "" });
    } else {
      note({ kind: "left out", path, message: FORMER_KEYS[key] ?? "unknown key" });
    }
  }
  const servers = Object.entries(rawKeys(section["Servers"])).map(([name, server]) =>
    [name, serverOf(rawKeys(server), [SECTION, "Servers", name], note)] as const
  );
  return Object.fromEntries([...kept, ["Servers", Object.fromEntries(servers)]]);
}

function serverOf(
  server: Readonly<Record<string, unknown>>,
  at: KeyPath,
  note: (note: ImportNote) => void,
): Record<string, unknown> {
  const kept: [string, unknown][] = [];
  for (const [key, value] of Object.entries(server)) {
    const path = keyPath([...at, key]);
    if (!KNOWN_OF_SERVERS.has(key)) {
      note({ kind: "left out", path, message: "unknown key" });
    } else if (key === "VerifySSL" && (value === false || value === "false")) {
      const message = "certificates are always verified; if the store or its identity provider " +
        "has one that the system does not trust, give VerifySSL the path of a PEM file with it";
      note({ kind: "left out", path, message });
    } else {
      kept.push([key, value]);
      note({ kind: "kept", path, message: NEW_EFFECTS[key] ?? "" });
    }
  }
  return Object.fromEntries(kept);
}

/** `MY_STORE_CLIENT_SECRET` of Servers.my-store.ClientSecret. No two secrets share a variable. */
function variableFor(path: KeyPath, taken: ReadonlySet<string>): string {
  const words = path.slice(path[1] === "Servers" ? 2 : 1).map((step) =>
    String(step).replace(/([a-z0-9])([A-Z])/g, "$1_$2").replace(/[^A-Za-z0-9]+/g, "_")
  );
  const name = withoutTrailing(words.join("_").toUpperCase().replace(/^_+/, ""), "_");
  const first = /^[A-Z]/.test(name) ? name : `SERVER_${name}`;
  let free = first;
  for (let number = 2; taken.has(free); number++) free = `${first}_${number}`;
  return free;
}

function rawKeys(value: unknown): Readonly<Record<string, unknown>> {
  return isObject(value) ? value : {};
}
