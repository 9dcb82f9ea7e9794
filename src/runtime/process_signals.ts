/**
 * The signals for shutdown and reload.
 */

const SHUTDOWN_SIGNALS: readonly Deno.Signal[] = Deno.build.os === "windows"
  ? ["SIGINT", "SIGBREAK"]
  : ["SIGINT", "SIGTERM"];

/**
 * A signal that aborts at the first shutdown signal, with its name as the reason.
 *
 * @param again Called at each further shutdown signal: the user does not want to wait.
 */
export function shutdownSignal(again: () => void): AbortSignal {
  const controller = new AbortController();
  for (const name of SHUTDOWN_SIGNALS) {
    Deno.addSignalListener(name, () => {
      if (controller.signal.aborted) again();
      else controller.abort(name);
    });
  }
  return controller.signal;
}

/**
 * Reloads at SIGHUP, except on Windows: one reload at a time, and once more if signals came meanwhile.
 *
 * @param reload Must not throw.
 */
export function onReloadSignal(reload: () => Promise<void>): void {
  if (Deno.build.os === "windows") return;
  let isRunning = false;
  let again = false;
  Deno.addSignalListener("SIGHUP", async () => {
    again = true;
    if (isRunning) return;
    isRunning = true;
    while (again) {
      again = false;
      await reload();
    }
    isRunning = false;
  });
}
