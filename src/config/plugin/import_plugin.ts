/**
 * Converts a configuration of the plugin `orthanc-dicomweb-oauth` to one of the gateway, with a note
 * about each key that was kept, changed or left out. Secrets are replaced by variables and never shown.
 * Reads no files.
 */
import { withoutTrailing } from "../../dicomweb/without_trailing.ts";
import { readDocument } from "../file/config_document.ts";
import { secretKeys } from "../file/secret_keys.ts";
import { FORMER_KEYS, sectionKeys } from "../gateway_config.ts";
import { serverKeys } from "../keys/server.ts";
import type { WrittenKeys } from "../schemes/scheme.ts";
import { schemes } from "../schemes/schemes.ts";
import { ConfigError, type ConfigProblem, type KeyPath, keyPath } from "../values/config_error.ts";
import { isObject } from "../values/keys_of.ts";
import { SECTION } from "../values/section.ts";

export interface ImportNote {
  readonly kind: "kept" | "changed" | "left out";
  readonly path: string;
  readonly message: string;
}

/** A converted configuration. */
export interface ImportedConfig {
  readonly document: WrittenKeys;
  /** The same with the original secrets, to check it. */
  readonly withSecrets: WrittenKeys;
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
  const final = keepSecrets ? plain : make(new Set(secretKeys(plain.section).keys()));
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

function sectionOf(section: WrittenKeys, note: (note: ImportNote) => void): WrittenKeys {
  const { ConfigVersion: _, Servers: servers, ...keys } = section;
  const kept = (keys: WrittenKeys, at: KeyPath, reasonAgainst: ReasonAgainst) =>
    Object.fromEntries(
      Object.entries(keys).filter(([key, value]) => {
        const reason = reasonAgainst(key, value);
        const message = reason ?? NEW_EFFECTS[key] ?? "";
        const kind = reason === undefined ? "kept" : "left out";
        note({ kind, path: keyPath([...at, key]), message });
        return reason === undefined;
      }),
    );
  return {
    ConfigVersion: "2.0",
    ...kept(keys, [SECTION], reasonAgainstSectionKey),
    Servers: Object.fromEntries(
      Object.entries(rawKeys(servers)).map(([name, server]) => [
        name,
        kept(rawKeys(server), [SECTION, "Servers", name], reasonAgainstServerKey),
      ]),
    ),
  };
}

/** Why a key is left out, if it is. */
type ReasonAgainst = (key: string, value: unknown) => string | undefined;

function reasonAgainstSectionKey(key: string): string | undefined {
  return Object.hasOwn(sectionKeys, key) ? undefined : FORMER_KEYS[key] ?? "unknown key";
}

function reasonAgainstServerKey(key: string, value: unknown): string | undefined {
  if (!KNOWN_OF_SERVERS.has(key)) return "unknown key";
  if (key !== "VerifySSL" || value !== false && value !== "false") return undefined;
  return "certificates are always verified; if the store or its identity provider " +
    "has one that the system does not trust, give VerifySSL the path of a PEM file with it";
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

function rawKeys(value: unknown): WrittenKeys {
  return isObject(value) ? value : {};
}
