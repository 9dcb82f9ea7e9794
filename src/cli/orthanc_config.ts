/**
 * The `orthanc-config` command: prints the servers for Orthanc's configuration file, or sets them in a
 * running Orthanc.
 */
import type { GatewayConfig } from "../config/gateway_config.ts";
import {
  gatewayUrl,
  type OrthancLogin,
  type OrthancServer,
  orthancServer,
  SECRET_VARIABLE,
} from "../config/plugin/orthanc_section.ts";
import { basicAuthorization } from "../credentials/fixed/fixed_headers_authorizer.ts";
import { withoutTrailing } from "../dicomweb/without_trailing.ts";
import { type KnownServer, OrthancServers } from "../network/orthanc_servers.ts";
import { ExitCode } from "./exit_code.ts";
import { loadConfig } from "./load.ts";
import { readSecret } from "./secret_input.ts";
import { complain, print } from "./terminal.ts";

export interface OrthancConfigFlags {
  readonly config?: string;
  readonly url?: string;
  readonly gatewayUser?: string;
  readonly orthanc?: string;
  readonly user?: string;
  readonly dryRun?: true;
}

/**
 * @throws {ConfigError} When the configuration is invalid.
 * @throws {GatewayError} When Orthanc does not answer, or rejects the change.
 */
export async function orthancConfig(flags: OrthancConfigFlags): Promise<number> {
  const config = await loadConfig(flags);
  const url = flags.url === undefined ? gatewayUrl(config) : plainUrl(flags.url);
  if (url === undefined) {
    complain("Specify the URL at which Orthanc reaches the gateway: --url http://HOST:PORT.");
    return ExitCode.usage;
  }
  const orthanc = flags.orthanc === undefined ? undefined : plainUrl(flags.orthanc);
  if (flags.orthanc !== undefined && orthanc === undefined) {
    complain("--orthanc is the URL of Orthanc's REST API, such as http://127.0.0.1:8042.");
    return ExitCode.usage;
  }
  const login = loginOf(config, flags.gatewayUser);
  if (login === undefined) return ExitCode.usage;
  const serversWith = (complete: OrthancLogin) =>
    [...config.servers.values()].map((server) =>
      [server.name, orthancServer(server, url, complete)] as const
    );
  if (orthanc === undefined) {
    const servers = Object.fromEntries(serversWith(login));
    print(JSON.stringify({ DicomWeb: { Servers: servers } }, null, 2));
    if (login.kind !== "none") {
      complain(`Orthanc reads ${SECRET_VARIABLE} from its environment: set the variable there.`);
    }
    return ExitCode.ok;
  }
  const secrets = await askSecrets([
    ...(flags.user === undefined ? [] : [`Password of ${flags.user} at Orthanc: `]),
    ...(login.kind === "none" || flags.dryRun ? [] : ["Password or key for the gateway: "]),
  ]);
  if (secrets === undefined) {
    complain("No password was entered.");
    return ExitCode.usage;
  }
  const authorization = flags.user === undefined
    ? undefined
    : basicAuthorization(flags.user, secrets.shift() ?? "");
  const servers = new OrthancServers(orthanc, authorization);
  try {
    const wanted = serversWith(withSecret(login, secrets.shift()));
    return await setAll(servers, wanted, flags.dryRun ?? false);
  } finally {
    servers.close();
  }
}

async function setAll(
  orthanc: OrthancServers,
  wanted: readonly (readonly [name: string, server: OrthancServer])[],
  isTrial: boolean,
): Promise<number> {
  const known = await orthanc.list();
  let changes = 0;
  for (const [name, server] of wanted) {
    const former = known[name];
    const differences = former === undefined ? ["new"] : differencesOf(former, server);
    if (differences.length === 0) {
      print(`${name}: up to date`);
      continue;
    }
    if (!isTrial) await orthanc.set(name, server);
    changes++;
    print(`${name}: ${isTrial ? "would be set" : "set"} (${differences.join(", ")})`);
  }
  if (changes > 0 && !isTrial) {
    complain(
      "Orthanc loses these servers when it stops, unless DicomWeb.ServersInDatabase is true in its " +
        "configuration; without --orthanc this command prints what to write there instead.",
    );
  }
  return ExitCode.ok;
}

/** Values that Orthanc does not show count as changed: they may be. */
function differencesOf(former: KnownServer, server: OrthancServer): string[] {
  const same = (one: unknown, other: unknown) =>
    typeof other === "boolean" ? one === other || one === (other ? "1" : "0") : one === other;
  const differences: string[] = (["Url", "ChunkedTransfers", "HasDelete", "Timeout"] as const)
    .filter((key) => !same(former[key], server[key]));
  if ((former["Username"] ?? undefined) !== server.Username) differences.push("Username");
  else if (server.Password !== undefined) {
    differences.push("Password, which Orthanc does not show");
  }
  const names = former["HttpHeaders"];
  const formerHeaders = Array.isArray(names) ? names.map(String).sort().join() : "";
  const headers = Object.keys(server.HttpHeaders ?? {}).sort().join();
  if (formerHeaders !== headers) differences.push("HttpHeaders");
  else if (headers !== "") differences.push("HttpHeaders, which Orthanc does not show");
  return differences;
}

/** A password if the gateway accepts one, else an API key: Orthanc can send either. */
function loginOf(
  { authentication }: GatewayConfig,
  user: string | undefined,
): OrthancLogin | undefined {
  if (authentication === undefined) return { kind: "none" };
  const users = [...authentication.users.keys()];
  const username = user ?? (users.length === 1 ? users[0] : undefined);
  if (username !== undefined && users.includes(username)) {
    return { kind: "password", username, password: SECRET_VARIABLE };
  }
  const { apiKeys } = authentication;
  if (users.length === 0 && apiKeys !== undefined) {
    return { kind: "key", header: apiKeys.header, key: SECRET_VARIABLE };
  }
  complain(
    users.length > 0
      ? `Choose the gateway user for Orthanc: --gateway-user ${users.join(" | ")}.`
      : "Orthanc can authenticate with a password or an API key, but Authentication accepts only Jwt.",
  );
  return undefined;
}

function withSecret(login: OrthancLogin, secret = ""): OrthancLogin {
  if (login.kind === "password") return { ...login, password: secret };
  return login.kind === "key" ? { ...login, key: secret } : login;
}

/** Prompts one by one at a terminal; else reads one per line. Undefined if one is missing. */
async function askSecrets(prompts: readonly string[]): Promise<string[] | undefined> {
  const secrets: string[] = [];
  if (prompts.length > 0 && !Deno.stdin.isTerminal()) {
    secrets.push(...(await readSecret("") ?? "").split(/\r?\n/));
  } else {
    for (const prompt of prompts) secrets.push(await readSecret(prompt) ?? "");
  }
  const isComplete = prompts.every((_, index) => (secrets[index] ?? "") !== "");
  return isComplete ? secrets : undefined;
}

function plainUrl(text: string): string | undefined {
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol) || url.search || url.hash || url.username) {
    return undefined;
  }
  return withoutTrailing(url.href, "/");
}
