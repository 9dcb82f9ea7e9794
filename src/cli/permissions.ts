/**
 * The `permissions` command: what the sandboxed workers may do and why, such as each host and port for
 * firewall rules.
 */
import { isKvFile } from "../config/keys/token_cache.ts";
import { type Contact, contacts, listenHostAndPort } from "../config/sandbox/contacts.ts";
import { permissionSet } from "../config/sandbox/permission_set.ts";
import type { GatewayConfig } from "../config/gateway_config.ts";
import { ExitCode } from "./exit_code.ts";
import { type ConfigFlags, loadConfig } from "./load.ts";
import { paint, print } from "./terminal.ts";

/** A file or directory that the workers use at run time. */
interface UsedFile {
  readonly path: string;
  readonly access: "read" | "read and write";
  readonly purpose: string;
}

/** @throws {ConfigError} When the configuration is invalid. */
export async function permissions(
  flags: ConfigFlags & { readonly json?: true },
): Promise<number> {
  const config = await loadConfig(flags);
  if (flags.json) print(JSON.stringify(report(config), null, 2));
  else show(config);
  return ExitCode.ok;
}

/** Prints the Deno permissions of a worker, one per line. */
export function printWorkerPermissions(config: GatewayConfig): void {
  for (const [name, value] of Object.entries(permissionSet(config))) {
    print(`  ${name.padEnd(7)}${Array.isArray(value) ? value.join(", ") || "none" : "none"}`);
  }
}

function report(config: GatewayConfig): unknown {
  const granted = Object.entries(permissionSet(config)).map(([name, value]) => [name, value || []]);
  return {
    version: 1,
    workers: config.workers,
    worker: Object.fromEntries(granted),
    listen: listenHostAndPort(config),
    connections: contacts(config).map((contact) => ({
      host: contact.host,
      port: contact.port,
      protocol: "tcp",
      tls: contact.tls,
      purpose: contact.purpose,
      neededBy: contact.neededBy ?? null,
      throughProxy: contact.proxied,
      onlyIfDiscovered: contact.possible,
    })),
    files: usedFiles(config),
  };
}

function show(config: GatewayConfig): void {
  const { workers } = config;
  const each = workers === 1 ? "The worker" : `Each of the ${workers} workers`;
  print(paint("strong", `${each} may do only this`));
  printWorkerPermissions(config);
  print("");
  print(paint("strong", "Connections in"));
  print(`  ${listenHostAndPort(config)}  TCP  clients`);
  print("");
  print(paint("strong", "Outbound connections: TCP, from this machine"));
  const destinations = Map.groupBy(contacts(config), ({ address }) => address);
  const width = Math.max(...destinations.keys().map(({ length }) => length));
  for (const [address, all] of destinations) {
    const tls = all.some((contact) => contact.tls) ? "TLS" : "   ";
    const reasons = new Set(all.map(reason));
    print(`  ${address.padEnd(width)}  ${tls}  ${[...reasons].join(", ")}`);
  }
  const files = usedFiles(config);
  if (files.length === 0) return;
  print("");
  print(paint("strong", "Files"));
  for (const { path, access, purpose } of files) print(`  ${path}  ${access}  ${purpose}`);
}

function reason({ purpose, neededBy, proxied, possible }: Contact): string {
  const whose = neededBy === undefined ? purpose : `${purpose} of ${neededBy}`;
  return [
    whose,
    ...(possible ? ["only if discovery names it"] : []),
    ...(proxied ? ["through the egress proxy: the firewall sees only that"] : []),
  ].join("; ");
}

function usedFiles(config: GatewayConfig): UsedFile[] {
  const { stateDirectory, tokenCache, servers } = config;
  const files: UsedFile[] = [];
  const useState = (purpose: string) =>
    files.push({ path: stateDirectory, access: "read and write", purpose });
  if (isKvFile(tokenCache)) useState("token cache");
  for (const { name, reach } of servers.values()) {
    if (reach.state) useState(`bodies that are signed for ${name}`);
    for (const path of reach.files) {
      files.push({ path, access: "read", purpose: `credentials of ${name}` });
    }
  }
  return files;
}
