/**
 * The `healthcheck` command, for containers without another HTTP client. Of the configuration it reads
 * only the listen address: after an invalid edit elsewhere, the gateway still runs with the former one.
 */
import { loopbackOf } from "../config/values/host_names.ts";
import { isObject } from "../config/values/keys_of.ts";
import { listenPlace } from "../config/keys/listen.ts";
import { SECTION } from "../config/values/section.ts";
import { parseConfig } from "../config/parse_config.ts";
import { reasonOf } from "../errors/reason.ts";
import { askHealth } from "../network/ask_health.ts";
import { ExitCode } from "./exit_code.ts";
import { type ConfigFlags, findSource } from "./load.ts";
import { complain, print } from "./terminal.ts";

const TIMEOUT_MS = 5_000;

/** @throws {ConfigError} When the configuration has no valid listen address. */
export async function healthcheck(flags: ConfigFlags): Promise<number> {
  const source = await findSource(flags);
  const section = source.document[SECTION];
  const written = listenPlace.safeParse(isObject(section) ? section["Listen"] ?? {} : {});
  if (!written.success) {
    // Throws an error with all problems.
    await parseConfig(source);
    return ExitCode.configuration;
  }
  const { address, port, isTls } = written.data;
  if (port === 0) {
    complain("The configuration sets no port: give the port with --port.");
    return ExitCode.usage;
  }
  const host = loopbackOf(address);
  const url = `${isTls ? "https" : "http"}://${host.includes(":") ? `[${host}]` : host}:${port}`;
  try {
    const status = await askHealth({ host, port, tls: isTls }, TIMEOUT_MS);
    if (status === 200) {
      print(`The gateway at ${url} answers.`);
      return ExitCode.ok;
    }
    complain(`The service at ${url} is not a healthy gateway: it answered with status ${status}.`);
  } catch (error) {
    complain(`The gateway at ${url} does not answer: ${reasonOf(error)}`);
  }
  return ExitCode.failure;
}
