/**
 * The command line: commands, their options, and how failures are told. Nothing else writes to
 * standard output or ends the program.
 *
 * @module
 */
import { Argument, Command, CommanderError, InvalidArgumentError } from "commander";
import manifest from "../../deno.json" with { type: "json" };
import { ConfigError } from "../config/values/config_error.ts";
import { nearestName } from "../config/values/nearest_name.ts";
import { dropProxyEnvironment } from "../config/environment.ts";
import { auditVerify, type AuditVerifyFlags } from "./audit_verify.ts";
import { check } from "./check.ts";
import { completions, type Shell, SHELLS } from "./completions.ts";
import type { DoctorFlags } from "./doctor.ts";
import { ExitCode } from "./exit_code.ts";
import { printApiKey, printPasswordHash } from "./hash_password.ts";
import { healthcheck } from "./healthcheck.ts";
import { importConfig } from "./import.ts";
import type { ConfigFlags } from "./load.ts";
import { orthancConfig, type OrthancConfigFlags } from "./orthanc_config.ts";
import type { PushFlags } from "./push.ts";
import { serve } from "./serve.ts";
import { flushLog } from "../telemetry/logging.ts";
import { complain, print } from "./terminal.ts";
import type { TokenFlags } from "./token.ts";

const LOG_FLUSH_MS = 2_000;

/**
 * Runs the command that the arguments name, and ends the program.
 *
 * @param args The arguments, without the program's name.
 */
export async function run(args: readonly string[]): Promise<never> {
  const exitCode = await main(args);
  // The last lines of the log; but no reader that stalls keeps the program from its end.
  await flushLog(LOG_FLUSH_MS);
  Deno.exit(exitCode);
}

async function main(args: readonly string[]): Promise<number> {
  let exitCode: number = ExitCode.ok;
  // Before any command makes a request.
  const ignoredProxies = dropProxyEnvironment();
  const program = commandLine((code) => exitCode = code, ignoredProxies);
  const [first = "-"] = args;
  // Commander would take it for an argument of the default command.
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
    tell(error, args.includes("--verbose"));
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
      .option("--port <port>", "port to listen on, instead of Listen.Port", portNumber);

  program.version(manifest.version);
  withConfig("serve", "run the gateway (the default command)", true)
    .action(async (flags: ConfigFlags) =>
      end(await serve(flags, manifest.version, ignoredProxies))
    );
  withConfig("check", "check the configuration; show servers, allowlist and permissions")
    .action(async (flags: ConfigFlags) => end(await check(flags)));
  withConfig("healthcheck", "ask the running gateway whether it answers; exit 0 if so")
    .action(async (flags: ConfigFlags) => end(await healthcheck(flags)));
  withConfig("doctor", "examine the way to each store; say what fails, why, and what to do")
    .argument("[server...]", "servers to examine; all unless given")
    .option("--json", "print the report for programs")
    .action(async (servers: string[], flags: DoctorFlags) => {
      const { doctor } = await import("./doctor.ts");
      end(await doctor(servers, flags, manifest.version));
    });
  withConfig("token", "get the credential of servers; show who issued it and when it expires")
    .argument("[server...]", "servers to ask for; all unless given")
    .option("--json", "print for programs")
    .option("--reveal", "print the token too: whoever sees it can use it")
    .action(async (servers: string[], flags: TokenFlags) => {
      const { token } = await import("./token.ts");
      end(await token(servers, flags, manifest.version));
    });
  withConfig("permissions", "show what the gateway may reach and use, and what for")
    .option("--json", "print for programs")
    .action(async (flags: ConfigFlags & { readonly json?: true }) => {
      const { permissions } = await import("./permissions.ts");
      end(await permissions(flags));
    });
  command("schema", "print the JSON Schema of the configuration, for editors")
    .action(async () => {
      const { editorSchema } = await import("../config/reference/json_schema.ts");
      print(JSON.stringify(editorSchema(), null, 2));
      end(ExitCode.ok);
    });
  command("completions", "print the completions for a shell")
    .addArgument(new Argument("<shell>", "which shell").choices(SHELLS))
    .action((shell: Shell) => {
      print(completions(program, shell));
      end(ExitCode.ok);
    });
  command("hash-password", "make the hash of a password for Authentication.Basic")
    .action(async () => end(await printPasswordHash()));
  command("make-api-key", "make a key for Authentication.ApiKeys, and its hash")
    .action(() => end(printApiKey()));
  program.command("audit").description("work with the audit trail")
    .command("verify [files...]")
    .description("say whether the audit trail is whole, and where it is not")
    .option("--config <file>", "configuration file")
    .option("--anchor <number:hash>", "a record that was noted and must still be there")
    .option("--verbose", "show stack traces")
    .action(async (files: string[], flags: AuditVerifyFlags) =>
      end(await auditVerify(files, flags))
    );
  command("import", "make a configuration of the one of the plugin orthanc-dicomweb-oauth")
    .argument("<file>", "the plugin's configuration, such as orthanc.json")
    .option("--keep-secrets", "leave secrets as they stand, instead of naming variables")
    .action(async (file: string, flags: { readonly keepSecrets?: true }) =>
      end(await importConfig(file, flags))
    );
  command("orthanc-config", "print the servers for Orthanc, or set them in one that runs")
    .option("--config <file>", "configuration file")
    .option("--url <url>", "where Orthanc reaches the gateway")
    .option("--gateway-user <name>", "the user that Orthanc is to the gateway")
    .option("--orthanc <url>", "set them in the Orthanc that runs at this URL")
    .option("--user <name>", "with --orthanc: user there; the password is asked for")
    .option("--dry-run", "with --orthanc: only say what would be changed")
    .action(async (flags: OrthancConfigFlags) => end(await orthancConfig(flags)));
  command("push", "send a folder of DICOM files to a server")
    .argument("<folder>", "the folder; what is in folders below it is sent as well")
    .option("--server <name>", "the server of the configuration to send to")
    .option("--config <file>", "configuration file")
    .option("--url <url>", "send through a gateway that runs at this URL")
    .option("--user <name>", "with --url: user of that gateway; the password is asked for")
    .option("--jobs <number>", "requests under way at once", numberFrom(1, 64), 4)
    .option("--batch <number>", "instances in one request at most", numberFrom(1, 1_000), 20)
    .option("--retries <number>", "how often to try again", numberFrom(0, 100), 6)
    .option("--journal <file>", "where to note what is stored, instead of the state directory")
    .option("--fresh", "send everything anew, whatever an earlier run noted")
    .option("--json", "print the summary as JSON")
    .action(async (folder: string, flags: PushFlags) => {
      const { push } = await import("./push.ts");
      end(await push(folder, flags, manifest.version));
    });
  command("demo", "run the main job on this machine with synthetic data")
    .option("--once", "exit after the round trip")
    .action(async (flags: { readonly once?: true }) => {
      // Loaded only when asked for: the gateway itself starts faster without it.
      const { demo } = await import("./demo.ts");
      end(await demo({ once: flags.once ?? false }, manifest.version));
    });
  return program;
}

function portNumber(text: string): number {
  const port = Number(text);
  if (!/^\d{1,5}$/.test(text) || port > 65_535) {
    throw new InvalidArgumentError("A port is a number from 0 to 65535.");
  }
  return port;
}

function numberFrom(min: number, max: number): (text: string) => number {
  return function wholeNumber(text) {
    const number = Number(text);
    if (!/^\d{1,9}$/.test(text) || number < min || number > max) {
      throw new InvalidArgumentError(`It is a whole number from ${min} to ${max}.`);
    }
    return number;
  };
}

function tell(error: unknown, verbose: boolean): void {
  if (!(error instanceof Error)) return complain(String(error));
  complain(verbose ? error.stack ?? error.message : error.message);
  if (!verbose && !(error instanceof ConfigError)) {
    complain("Run it again with --verbose for the details.");
  }
}
