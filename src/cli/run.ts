/**
 * The command line: commands, their options, and reports of failures. Only commands write to standard
 * output or end the program.
 */
import { Argument, Command, CommanderError, InvalidArgumentError } from "commander";
import manifest from "../../deno.json" with { type: "json" };
import { ConfigError } from "../config/values/config_error.ts";
import { nearestName } from "../config/values/nearest_name.ts";
import { dropProxyEnvironment } from "../config/environment.ts";
import type { Anchor } from "../runtime/audit/verify_trail.ts";
import { auditVerify } from "./audit_verify.ts";
import { check } from "./check.ts";
import { completions, type Shell, SHELLS } from "./completions.ts";
import { ExitCode } from "./exit_code.ts";
import { printApiKey, printPasswordHash } from "./hash_password.ts";
import { healthcheck } from "./healthcheck.ts";
import { importConfig } from "./import.ts";
import type { ConfigFlags } from "./load.ts";
import { orthancConfig } from "./orthanc_config.ts";
import { permissions } from "./permissions.ts";
import type { PushFlags } from "./push.ts";
import { serve } from "./serve.ts";
import { flushLog } from "../telemetry/logging.ts";
import { complain, print } from "./terminal.ts";
import type { TokenFlags } from "./token.ts";

const LOG_FLUSH_MS = 2_000;

/** Runs a command from the arguments, and ends the program. */
export async function run(args: readonly string[]): Promise<never> {
  const exitCode = await main(args);
  // A reader of the log that stalls must not keep the program from ending.
  await flushLog(LOG_FLUSH_MS);
  Deno.exit(exitCode);
}

async function main(args: readonly string[]): Promise<number> {
  let exitCode: number = ExitCode.ok;
  // Before any command sends a request.
  const ignoredProxies = dropProxyEnvironment();
  const program = commandLine((code) => exitCode = code, ignoredProxies);
  const [first = "-"] = args;
  // Commander would pass an unknown command to the default command as an argument.
  const names = [...program.commands.map((command) => command.name()), "help"];
  if (!first.startsWith("-") && !names.includes(first)) {
    const nearest = nearestName(first, names);
    complain(`Unknown command "${first}".${nearest ? ` Did you mean "${nearest}"?` : ""}`);
    return ExitCode.usage;
  }
  try {
    await program.parseAsync([...args], { from: "user" });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) {
      return error.exitCode === 0 ? ExitCode.ok : ExitCode.usage;
    }
    reportFailure(error, args.includes("--verbose"));
    return error instanceof ConfigError ? ExitCode.configuration : ExitCode.failure;
  }
}

function commandLine(
  end: (exitCode: number) => void,
  ignoredProxies: readonly string[],
): Command {
  const program = new Command("dicomweb-gateway")
    .description("Adds OAuth2 and other credentials to DICOMweb requests on their way to a store.")
    .exitOverride()
    .configureOutput({
      writeOut: (text) => print(text.trimEnd()),
      writeErr: (text) => complain(text.trimEnd()),
    });

  const command = (name: string, description: string, isDefault = false) =>
    program.command(name, { isDefault })
      .description(description)
      .version(manifest.version)
      .option("--verbose", "show stack traces");
  const withConfig = (name: string, description: string, isDefault = false) =>
    command(name, description, isDefault)
      .option("--config <file>", "configuration file")
      .option("--address <address>", "address to listen on, instead of Listen.Address")
      .option("--port <port>", "port to listen on, instead of Listen.Port", numberFrom(0, 65_535));
  const ending =
    <Args extends unknown[]>(run: (...args: Args) => Promise<number>) => async (...args: Args) =>
      end(await run(...args));

  program.version(manifest.version);
  withConfig("serve", "run the gateway (the default command)", true)
    .action(ending((flags: ConfigFlags) => serve(flags, manifest.version, ignoredProxies)));
  withConfig("check", "check the configuration; show servers, allowlist and permissions")
    .action(ending(check));
  withConfig("healthcheck", "check that the running gateway answers; exit 0 if it does")
    .action(ending(healthcheck));
  // Large modules are imported on demand: the gateway itself starts faster without them.
  withConfig(
    "doctor",
    "diagnose the connection to each store; report what fails, why, and what to do",
  )
    .argument("[server...]", "servers to diagnose; default: all")
    .option("--json", "print the report as JSON")
    .action(ending(async (servers: string[], flags: ConfigFlags & { readonly json?: true }) => {
      const { doctor } = await import("./doctor.ts");
      return await doctor(servers, flags, manifest.version);
    }));
  withConfig("token", "acquire the credential of servers; show its issuer and expiry")
    .argument("[server...]", "servers; default: all")
    .option("--json", "print JSON")
    .option("--reveal", "print the token too: anyone who sees it can use it")
    .action(ending(async (servers: string[], flags: TokenFlags) => {
      const { token } = await import("./token.ts");
      return await token(servers, flags, manifest.version);
    }));
  withConfig("permissions", "show the hosts and files that the gateway may access, and why")
    .option("--json", "print JSON")
    .action(ending(permissions));
  command("schema", "print the JSON Schema of the configuration, for editors")
    .action(async () => {
      const { editorSchema } = await import("../config/reference/json_schema.ts");
      print(JSON.stringify(editorSchema(), null, 2));
    });
  command("completions", "print the completions for a shell")
    .addArgument(new Argument("<shell>", "which shell").choices(SHELLS))
    .action((shell: Shell) => print(completions(program, shell)));
  command("hash-password", "hash a password for Authentication.Basic")
    .action(ending(printPasswordHash));
  command("make-api-key", "generate a key for Authentication.ApiKeys, and its hash")
    .action(printApiKey);
  program.command("audit").description("work with the audit trail")
    .command("verify [files...]")
    .description("verify the audit trail; report where it was modified or cut off")
    .option("--config <file>", "configuration file")
    .option("--anchor <number:hash>", "a record noted earlier that must still exist", parseAnchor)
    .option("--verbose", "show stack traces")
    .action(ending(auditVerify));
  command("import", "convert a configuration of the plugin orthanc-dicomweb-oauth")
    .argument("<file>", "the plugin's configuration, such as orthanc.json")
    .option("--keep-secrets", "keep secrets as written, instead of replacing them by variables")
    .action(ending(importConfig));
  command("orthanc-config", "print the servers for Orthanc, or set them in a running Orthanc")
    .option("--config <file>", "configuration file")
    .option("--url <url>", "URL at which Orthanc reaches the gateway")
    .option("--gateway-user <name>", "gateway user that Orthanc authenticates as")
    .option("--orthanc <url>", "set them in the Orthanc at this URL")
    .option("--user <name>", "with --orthanc: Orthanc user; prompts for the password")
    .option("--dry-run", "with --orthanc: only show what would change")
    .action(ending(orthancConfig));
  command("push", "send a folder of DICOM files, or one file, to a server")
    .argument("<folder>", "the folder, including its subfolders, or a file")
    .option("--server <name>", "the configured server to send to")
    .option("--config <file>", "configuration file")
    .option("--url <url>", "send through the running gateway at this URL")
    .option("--user <name>", "with --url: user of that gateway; prompts for the password")
    .option("--token", "with --url: prompts for a bearer token for that gateway")
    .option("--jobs <number>", "concurrent requests", numberFrom(1, 64), 4)
    .option("--batch <number>", "most instances per request", numberFrom(1, 1_000), 20)
    .option("--retries <number>", "retries per request", numberFrom(0, 100), 6)
    .option("--journal <file>", "journal of what is stored; default: in the state directory")
    .option("--fresh", "ignore the journal of an earlier run and send everything")
    .option("--json", "print the summary as JSON")
    .action(ending(async (folder: string, flags: PushFlags) => {
      const { push } = await import("./push.ts");
      return await push(folder, flags, manifest.version);
    }));
  command("demo", "run the main job on this machine with synthetic data")
    .option("--once", "exit after the round trip")
    .action(ending(async (flags: { readonly once?: true }) => {
      const { demo } = await import("./demo.ts");
      return await demo(flags.once ?? false, manifest.version);
    }));
  return program;
}

function parseAnchor(text: string): Anchor {
  const [, sequence, hash] = /^(\d{1,15}):([0-9a-f]{64})$/.exec(text) ?? [];
  if (sequence !== undefined && hash !== undefined) return { sequence: Number(sequence), hash };
  throw new InvalidArgumentError(
    "An anchor is a record number, a colon and the record's hash: --anchor 1200:9f86d0…",
  );
}

function numberFrom(min: number, max: number): (text: string) => number {
  return (text) => {
    const number = Number(text);
    if (!/^\d{1,9}$/.test(text) || number < min || number > max) {
      throw new InvalidArgumentError(`It is a whole number from ${min} to ${max}.`);
    }
    return number;
  };
}

function reportFailure(error: unknown, verbose: boolean): void {
  if (!(error instanceof Error)) return complain(String(error));
  complain(verbose ? error.stack ?? error.message : error.message);
  if (!verbose && !(error instanceof ConfigError)) {
    complain("Run it again with --verbose for the details.");
  }
}
