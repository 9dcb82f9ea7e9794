/**
 * The `demo` command: the main job on loopback, with an identity provider and a store of its own.
 *
 * @module
 */
import { type ConfigSource, parseConfig, sourceOf } from "../config/parse_config.ts";
import { runDemo } from "../demo/run_demo.ts";
import { shutdownSignal } from "../runtime/process_signals.ts";
import { Supervisor } from "../runtime/supervisor.ts";
import { configureLogging, createLogger } from "../telemetry/logging.ts";
import { ExitCode } from "./exit_code.ts";
import { print } from "./terminal.ts";

/**
 * Runs the demo.
 *
 * @param flags `once`: end after the round trip.
 * @returns The exit code: 0 only when every step worked.
 */
export async function demo(flags: { readonly once: boolean }, version: string): Promise<number> {
  const stateDirectory = await Deno.makeTempDir({ prefix: "dicomweb-gateway-demo-" });
  configureLogging({ level: "warning", format: "text" });
  try {
    const worked = await runDemo({
      once: flags.once,
      print,
      signal: shutdownSignal(() => Deno.exit(ExitCode.failure)),
      startGateway: async (document: ConfigSource["document"]) => {
        const supervisor = await Supervisor.start({
          config: await parseConfig(
            sourceOf(document, { path: "demo", stateHome: stateDirectory }),
          ),
          logger: createLogger("runtime"),
          version,
        });
        return { url: supervisor.url, close: async () => void await supervisor.stop() };
      },
    });
    return worked ? ExitCode.ok : ExitCode.failure;
  } finally {
    await Deno.remove(stateDirectory, { recursive: true });
  }
}
