/**
 * Measures the round trip to a store, on which it depends whether `Distance` fits.
 */
import type { Contact } from "../../config/sandbox/contacts.ts";
import type { ServerConfig } from "../../config/keys/server.ts";
import type { Distance } from "../../dicomweb/profile/profile.ts";
import { openConnection } from "../../network/connection_probe.ts";
import { type Finding, finding } from "./finding.ts";

/** From here on `far` gains more than it costs. */
const FAR_FROM_MS = 5;
const TRIES = 5;
const TIMEOUT_MS = 5_000;

/** Measures a store that is contacted directly and can be reached: through a proxy only the proxy could be. */
export async function examineDistance(
  { address, host, port }: Contact,
  { profile: { distance } }: Pick<ServerConfig, "profile">,
): Promise<Finding> {
  const times: number[] = [];
  for (let left = TRIES; left > 0; left--) {
    const startedMs = performance.now();
    try {
      const socket = await openConnection({ host, port }, TIMEOUT_MS);
      times.push(performance.now() - startedMs);
      socket.destroy();
    } catch {
      // Of a store that can be reached, a connection may still fail.
    }
  }
  if (times.length === 0) {
    return finding("distance", address, "skipped", "Not measured: no connection was opened.");
  }
  // All but the least contain delays of this machine.
  return explainDistance(address, Math.min(...times), distance);
}

/** @param roundTripMs Between this machine and the store. */
export function explainDistance(
  address: string,
  roundTripMs: number,
  distance: Distance,
): Finding {
  const rounded = Math.round(roundTripMs * 10) / 10;
  const measured = `A round trip takes ${rounded} ms`;
  const details = { roundTripMs: rounded, distance };
  if (distance === "near" && roundTripMs > FAR_FROM_MS) {
    return finding("distance", address, "warn", `${measured}, and Distance is "near".`, {
      advice: [
        'Set "Distance": "far": uploads and retrievals then use several connections at once, which is faster.',
      ],
      details,
    });
  }
  return finding("distance", address, "ok", `${measured}; Distance is "${distance}".`, { details });
}
