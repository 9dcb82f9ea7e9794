/**
 * The `token` command: acquires the credentials of servers as the gateway would, and shows what is not
 * secret.
 */
import type { CredentialFacts } from "../credentials/credential_facts.ts";
import { GatewayError } from "../errors/gateway_error.ts";
import { reasonOf } from "../errors/reason.ts";
import { askCredential } from "../tools/doctor/ask_credential.ts";
import { adviceOf } from "../tools/doctor/finding.ts";
import { withStore } from "../tools/doctor/with_store.ts";
import { ExitCode } from "./exit_code.ts";
import { type ConfigFlags, loadConfig, selectServers } from "./load.ts";
import { complain, paint, print, printable } from "./terminal.ts";

export interface TokenFlags extends ConfigFlags {
  readonly json?: true;
  readonly reveal?: true;
}

/** The result for one server, as `--json` prints it. */
type Result =
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
 * Acquires and shows the credentials of servers: all unless some are named.
 *
 * @throws {ConfigError} When the configuration is invalid.
 */
export async function token(
  named: readonly string[],
  flags: TokenFlags,
  version: string,
): Promise<number> {
  const config = await loadConfig(flags);
  const names = selectServers(config, named);
  if (names === undefined) return ExitCode.usage;
  const all = await Promise.all(names.map(async (server): Promise<Result> => {
    try {
      const { facts, token } = await withStore(
        config,
        server,
        { version },
        (store, { servers }) => askCredential(store, servers.get(server)!),
      );
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

function faultOf(error: unknown): Extract<Result, { error: unknown }>["error"] {
  const message = reasonOf(error);
  return error instanceof GatewayError
    ? { code: error.code, message, advice: adviceOf(error) }
    : { code: null, message, advice: [] };
}

function show(result: Result): void {
  if ("error" in result) {
    const { code, message, advice } = result.error;
    complain(`Server ${result.server}: ${message}${code === null ? "" : ` [${code}]`}`);
    for (const line of advice) complain(`  ${line}`);
    return;
  }
  const { server, credential, token } = result;
  print(paint("strong", `Server ${server}`));
  for (const [name, value] of rows(credential)) {
    print(printable(`  ${name.padEnd(11)}${value}`));
  }
  if (token !== undefined) print(`  ${"token".padEnd(11)}${token}`);
}

function rows(credential: CredentialFacts): [name: string, value: string][] {
  const { kind, endpoint, form, scheme, algorithm, withheld } = credential;
  const shown: [name: string, value: string | null][] = [
    ["kind", kind],
    ["endpoint", endpoint],
    ["form", form === "none" ? "no token" : [form, scheme, algorithm].filter(Boolean).join(", ")],
    ["length", form === "none" ? null : `${credential.length} characters`],
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

function claimsOf({ claims }: CredentialFacts): string {
  const inOtherRows = new Set(["iss", "aud", "exp", "scope", "scp"]);
  return Object.entries(claims).filter(([name]) => !inOtherRows.has(name))
    .map(([name, value]) => `${name}=${JSON.stringify(value)}`).join(" ");
}
