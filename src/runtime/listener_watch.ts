/**
 * Detects that nothing listens any more although workers run. The runtime stops accepting connections
 * for good when no file descriptor is free, without an error while other connections are open: a client
 * that holds enough connections open could silence a gateway that looks alive.
 */
import { reasonOf } from "../errors/reason.ts";
import { tryPort } from "../network/try_port.ts";
import { within } from "./within.ts";

const PROBE_INTERVAL_MS = 1_000;
/** How long `close` waits for a probe in progress. */
const CLOSE_MS = 100;
/** Consecutive failures that count; fewer may come from a moment without free descriptors. */
const MAX_FAILURES = 3;

/** Connects to the gateway's own port periodically, and disconnects at once. */
export class ListenerWatch {
  readonly #timer: number;
  #probing: Promise<void> | undefined;

  /** @param lost Called with the reason when nothing listens. */
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
        lost(`the listener closed: ${reasonOf(error)}`);
      }
    };
    this.#timer = setInterval(() => {
      this.#probing ??= probe().finally(() => this.#probing = undefined);
    }, PROBE_INTERVAL_MS);
    Deno.unrefTimer(this.#timer);
  }

  /** Stops, without waiting for a connection that never opens. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    if (this.#probing !== undefined) await within(CLOSE_MS, this.#probing, undefined);
  }
}
