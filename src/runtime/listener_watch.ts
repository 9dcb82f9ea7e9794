/**
 * Notices that nothing listens any more though workers run. The runtime stops to accept connections for
 * good when there is no file descriptor for one, and tells nobody while others are still open: whoever
 * takes enough of them, and waits, would silence a gateway that looks alive.
 *
 * @module
 */
import { tryPort } from "../network/try_port.ts";

/** How often it is looked. */
const PROBE_MS = 1_000;
/** How long its end waits for a probe that is under way. */
const CLOSE_MS = 100;
/** After so many failures in a row it is believed; some may come of a moment without descriptors. */
const MAX_FAILURES = 3;

/** Connects to the gateway's own port now and then, and leaves at once. */
export class ListenerWatch {
  readonly #timer: number;
  #probing: Promise<void> | undefined;

  /** @param lost Told, with the reason, when nothing does. */
  constructor(
    listener: { readonly address: string; readonly port: number },
    lost: (reason: string) => void,
  ) {
    let failures = 0;
    const probe = async () => {
      try {
        await tryPort(listener);
        failures = 0;
      } catch (error) {
        if (++failures < MAX_FAILURES) return;
        failures = 0;
        lost(`the listener closed: ${error instanceof Error ? error.message : error}`);
      }
    };
    this.#timer = setInterval(() => {
      this.#probing ??= probe().finally(() => this.#probing = undefined);
    }, PROBE_MS);
    Deno.unrefTimer(this.#timer);
  }

  /** Ends it, without waiting for a connection that does not come about. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, CLOSE_MS);
    await Promise.race([this.#probing, late]);
    clearTimeout(timer);
  }
}
