/**
 * The `demo` command: the main job on loopback, with an embedded identity provider and store.
 */
import { parseConfig, sourceOf } from "../config/parse_config.ts";
import { runDemo } from "../demo/run_demo.ts";
import { shutdownSignal } from "../runtime/process_signals.ts";
import { Supervisor } from "../runtime/supervisor.ts";
import { configureLogging, createLogger } from "../telemetry/logging.ts";
import { ExitCode } from "./exit_code.ts";
import { print } from "./terminal.ts";

/** Runs the demo; `once` ends it after the round trip. */
export async function demo(once: boolean, version: string): Promise<number> {
  const stateDirectory = await Deno.makeTempDir({ prefix: "dicomweb-gateway-demo-" });
  configureLogging({ level: "warning", format: "text" });
  try {
    const worked = await runDemo({
      once,
      print,
      signal: shutdownSignal(() => Deno.exit(ExitCode.failure)),
      startGateway: async (document) => {
        const source = sourceOf(document, { path: "demo", stateHome: stateDirectory });
        const supervisor = await Supervisor.start({
          config: await parseConfig(source),
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
