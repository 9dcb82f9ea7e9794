/**
 * The `check` command: reports whether the configuration is valid, and what it permits the gateway.
 */
import { isKvFile } from "../config/keys/token_cache.ts";
import { distanceRules } from "../config/keys/store_profile.ts";
import { networkAllowlist } from "../config/sandbox/contacts.ts";
import { permissionSet } from "../config/sandbox/permission_set.ts";
import { SECTION } from "../config/values/section.ts";
import { explainDeno } from "../runtime/deno_version.ts";
import { stateDirectoryFault } from "../runtime/state_directory.ts";
import { effectWithoutState, isStateOptional } from "../runtime/token_cache_file.ts";
import { ExitCode } from "./exit_code.ts";
import { type ConfigFlags, loadConfig } from "./load.ts";
import { printWorkerPermissions } from "./permissions.ts";
import { complain, print } from "./terminal.ts";

/** Of a host that may be followed by a port. */
const RESERVED_NAME = /\.example(?::\d+)?$/;

/** @throws {ConfigError} With all problems of the configuration. */
export async function check(flags: ConfigFlags): Promise<number> {
  const config = await loadConfig(flags);
  print(`Configuration ${config.path} is valid.`);
  print("");
  print("Servers");
  for (const { name, url, credentials, profile } of config.servers.values()) {
    print(`  ${name}  ${url}  (${credentials.kind}; profile ${profile.name}, ${profile.distance})`);
    const far = Object.entries(distanceRules(profile));
    if (far.length > 0) print(`    far: ${far.map((rule) => rule.join(" ")).join(", ")}`);
  }
  print("");
  print("Network allowlist: the only hosts that the gateway can contact");
  for (const place of networkAllowlist(config)) print(`  ${place}`);
  print("");
  print("Permissions of the sandboxed worker");
  printWorkerPermissions(config);
  if (permissionSet(config).write !== false) {
    const fault = await stateDirectoryFault(config.stateDirectory);
    if (fault !== undefined && !isStateOptional(config)) {
      complain(`The gateway will not start: ${SECTION}.StateDirectory: ${fault}`);
      return ExitCode.configuration;
    }
    if (fault !== undefined) {
      complain(
        `Warning: ${SECTION}.StateDirectory: ${effectWithoutState(config)}, because ${fault}`,
      );
    } else if (isKvFile(config.tokenCache) && config.tokenCache.encryptionKeys.length === 0) {
      print("");
      print(
        `Tokens are cached in ${config.stateDirectory}, with the key that encrypts them: who can read ` +
          `that directory can read the tokens. To prevent this, set TokenCache.EncryptionKey from a ` +
          `vault, or TokenCache.Backend to "memory".`,
      );
    }
  }
  for (const place of networkAllowlist(config).filter((place) => RESERVED_NAME.test(place))) {
    complain(
      `Warning: ${place}: names that end in .example are those of the documentation and exist ` +
        "nowhere (RFC 2606)",
    );
  }
  for (const warning of config.warnings ?? []) complain(`Warning: ${warning}`);
  const { verdict, reason } = explainDeno(Deno.version.deno);
  if (verdict === "fit") return ExitCode.ok;
  complain(`Warning: ${reason}`);
  return verdict === "unfit" ? ExitCode.failure : ExitCode.ok;
}
