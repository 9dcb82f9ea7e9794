/**
 * Waits for the signal by which a program is asked to read its configuration again.
 *
 * @module
 */

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
