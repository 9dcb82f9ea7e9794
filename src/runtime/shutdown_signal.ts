/**
 * Waits for the signals by which a program is asked to end.
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
