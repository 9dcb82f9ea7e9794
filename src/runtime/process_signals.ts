/**
 * The signals that ask the program to end or to read its configuration again.
 *
 * @module
 */

/** Signals that ask for an orderly end, where the system has them. */
const SIGNALS: readonly Deno.Signal[] = Deno.build.os === "windows"
  ? ["SIGINT", "SIGBREAK"]
  : ["SIGINT", "SIGTERM"];

/**
 * Aborts its signal when the program is asked to end.
 *
 * @param again Called when it is asked a second time, by someone who will not wait.
 * @returns Aborts once; the reason is the name of the signal.
 */
export function shutdownSignal(again: () => void): AbortSignal {
  const controller = new AbortController();
  for (const name of SIGNALS) {
    Deno.addSignalListener(name, () => {
      if (controller.signal.aborted) again();
      else controller.abort(name);
    });
  }
  return controller.signal;
}

/**
 * Calls back at each SIGHUP, where the system has it; one call at a time, and once more at the end
 * when more signals came meanwhile.
 *
 * @param reload What to call; it does not throw.
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
