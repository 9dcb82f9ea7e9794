/**
 * Measures the round trip to the store by opening connections, and compares it with the server's
 * `Distance`. Through an egress proxy only the way to the proxy can be measured. The rate of a connection
 * is not measured: that takes a large answer, and doctor retrieves no images.
 */
import type { ProxyConfig } from "../../config/keys/proxy.ts";
import type { Contact } from "../../config/sandbox/contacts.ts";
import type { Distance } from "../../dicomweb/profile/profile.ts";
import { reasonOf } from "../../errors/reason.ts";
import { leastRoundTripMs } from "../../network/round_trip.ts";
import { proxyEndpoint } from "./examine_contact.ts";
import { type Finding, finding } from "./finding.ts";

/** From here on a connection is bound by its window, not by the line. */
const FAR_FROM_MS = 5;
/** Below, several connections gain nothing over one. */
const NEAR_BELOW_MS = 1;

export interface DistanceSettings {
  readonly distance: Distance;
  /** The configuration key of the distance. */
  readonly key: string;
  readonly proxy: ProxyConfig | undefined;
}

/** Expects that the contact can be connected to. */
export async function examineDistance(
  contact: Contact,
  { distance, key, proxy }: DistanceSettings,
): Promise<Finding> {
  const { address } = contact;
  const through = contact.proxied && proxy !== undefined ? proxy : undefined;
  const endpoint = through === undefined ? contact : proxyEndpoint(through);
  try {
    const ms = await leastRoundTripMs(endpoint);
    const host = through && new URL(through.url).host;
    return explainDistance(address, ms, { distance, key, proxy: host });
  } catch (error) {
    const why = `Not tested: ${reasonOf(error)}.`;
    return finding("distance", address, "skipped", why);
  }
}

/** @param ms The round trip, to the proxy if there is one. */
export function explainDistance(
  address: string,
  ms: number,
  { distance, key, proxy }: {
    readonly distance: Distance;
    readonly key: string;
    readonly proxy: string | undefined;
  },
): Finding {
  const roundTripMs = Number(ms.toPrecision(2));
  const details = { distance, roundTripMs, proxy: proxy ?? null };
  const measured = proxy === undefined
    ? `A round trip takes ${roundTripMs} ms`
    : `A round trip to the proxy ${proxy} takes ${roundTripMs} ms, and the store is behind it`;
  if (distance === "near" && ms > FAR_FROM_MS) {
    return finding(
      "distance",
      address,
      "warn",
      `${measured}: one connection carries little, and the server is "near".`,
      {
        details,
        advice: [
          `Set ${key} to "far": uploads and retrievals then use several connections at once, and ` +
          "answers are read ahead for viewers.",
        ],
      },
    );
  }
  if (distance === "far" && ms < NEAR_BELOW_MS && proxy === undefined) {
    return finding(
      "distance",
      address,
      "warn",
      `${measured}, and the server is "far": uploads are held in memory or on disk for nothing.`,
      {
        details,
        advice: [
          `Set ${key} to "near": uploads then stream to the store.`,
          `Keep "far" if only a load balancer or proxy of the store is that near.`,
        ],
      },
    );
  }
  const unknown = proxy === undefined ? "" : "; how far the store is cannot be measured through it";
  return finding("distance", address, "ok", `${measured}${unknown}; the server is "${distance}".`, {
    details,
  });
}
