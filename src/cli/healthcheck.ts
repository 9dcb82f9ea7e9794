/**
 * The `healthcheck` command: asks the gateway of this configuration whether it answers, where no
 * other program is at hand that could, as in a container. It reads nothing of the configuration but
 * where the gateway listens: one that was edited and is wrong elsewhere says nothing of the gateway
 * that still runs with the former one.
 *
 * @module
 */
import { loopbackOf } from "../config/values/host_names.ts";
import { isObject } from "../config/values/keys_of.ts";
import { listenPlace } from "../config/keys/listen.ts";
import { SECTION } from "../config/values/section.ts";
import { parseConfig } from "../config/parse_config.ts";
import { askHealth } from "../network/ask_health.ts";
import { ExitCode } from "./exit_code.ts";
import { type ConfigFlags, findSource } from "./load.ts";
import { complain, print } from "./terminal.ts";

const TIMEOUT_MS = 5_000;

/**
 * Asks whether the gateway answers.
 *
 * @returns The exit code: 0 when it answers.
 * @throws {ConfigError} When the configuration does not say where the gateway listens.
 */
export async function healthcheck(flags: ConfigFlags): Promise<number> {
  const source = await findSource(flags);
  const section = source.document[SECTION];
  const written = listenPlace.safeParse(isObject(section) ? section["Listen"] ?? {} : {});
  if (!written.success) {
    // Tells what is wrong with it.
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
    const reason = error instanceof Error ? error.message : String(error);
    complain(`The gateway at ${url} does not answer: ${reason}`);
  }
  return ExitCode.failure;
}
