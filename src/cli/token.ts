/**
 * The `token` command: gets the credential of servers as the gateway would, and tells what may be told
 * of it.
 *
 * @module
 */
import type { CredentialFacts } from "../credentials/credential_facts.ts";
import { GatewayError } from "../errors/gateway_error.ts";
import { askCredentialOf } from "../tools/doctor/ask_credential.ts";
import { adviceOf } from "../tools/doctor/finding.ts";
import { ExitCode } from "./exit_code.ts";
import { type ConfigFlags, loadConfig } from "./load.ts";
import { serversMeant } from "./server_names.ts";
import { paint } from "./style.ts";
import { complain, print } from "./terminal.ts";

/** What the command line says. */
export interface TokenFlags extends ConfigFlags {
  readonly json?: true;
  readonly reveal?: true;
}

/** What becomes known of one server's credential. */
type Told =
  | { readonly server: string; readonly credential: CredentialFacts; readonly token?: string }
  | {
    readonly server: string;
    readonly error: {
      readonly code: string | null;
      readonly message: string;
      readonly advice: readonly string[];
    };
  };

/**
 * Gets credentials and tells of them.
 *
 * @param named The servers; all where none is named.
 * @returns The exit code: 0 when all could be had.
 * @throws {ConfigError} When the configuration is wrong.
 */
export async function token(
  named: readonly string[],
  flags: TokenFlags,
  version: string,
): Promise<number> {
  const config = await loadConfig(flags);
  const names = serversMeant(config, named);
  if (names === undefined) return ExitCode.usage;
  const all = await Promise.all(names.map(async (server): Promise<Told> => {
    try {
      const { facts, token } = await askCredentialOf(config, server, version);
      const isRevealed = flags.reveal && token !== undefined;
      return { server, credential: facts, ...(isRevealed && { token }) };
    } catch (error) {
      return { server, error: faultOf(error) };
    }
  }));
  if (flags.json) print(JSON.stringify({ version: 1, servers: all }, null, 2));
  else for (const each of all) show(each);
  return all.some((each) => "error" in each) ? ExitCode.failure : ExitCode.ok;
}

function faultOf(error: unknown): Extract<Told, { error: unknown }>["error"] {
  const message = error instanceof Error ? error.message : String(error);
  return error instanceof GatewayError
    ? { code: error.code, message, advice: adviceOf(error) }
    : { code: null, message, advice: [] };
}

function show(told: Told): void {
  if ("error" in told) {
    const { code, message, advice } = told.error;
    complain(`Server ${told.server}: ${message}${code === null ? "" : ` [${code}]`}`);
    for (const line of advice) complain(`  ${line}`);
    return;
  }
  const { server, credential, token } = told;
  print(paint("strong", `Server ${server}`));
  for (const [name, value] of rows(credential)) print(`  ${name.padEnd(11)}${value}`);
  if (token !== undefined) print(`  ${"token".padEnd(11)}${token}`);
}

function rows(credential: CredentialFacts): [name: string, value: string][] {
  const { kind, endpoint, form, scheme, algorithm, withheld } = credential;
  const shown: [name: string, value: string | null][] = [
    ["way", kind],
    ["asked", endpoint],
    ["form", form === "none" ? "no token" : [form, scheme, algorithm].filter(Boolean).join(", ")],
    ["expires", lifeOf(credential)],
    ["issuer", credential.issuer],
    ["audience", credential.audience.join(", ")],
    ["scopes", credential.scopes.join(" ")],
    ["key", credential.accessKeyId],
    ["claims", claimsOf(credential)],
    ["not shown", withheld.join(", ")],
  ];
  return shown.filter((row): row is [string, string] => row[1] !== null && row[1] !== "");
}

function lifeOf({ expiresAt, form }: CredentialFacts): string | null {
  if (expiresAt === null) return form === "none" ? null : "unknown";
  const minutes = Math.floor((Date.parse(expiresAt) - Date.now()) / 60_000);
  return `${expiresAt} (in ${minutes} minutes)`;
}

/** What stands in a row of its own is left out. */
function claimsOf({ claims }: CredentialFacts): string {
  const own = new Set(["iss", "aud", "exp", "scope", "scp"]);
  return Object.entries(claims).filter(([name]) => !own.has(name))
    .map(([name, value]) => `${name}=${JSON.stringify(value)}`).join(" ");
}
