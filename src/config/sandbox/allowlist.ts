/**
 * Derives from a configuration the hosts that the gateway may contact. The runtime refuses all others.
 *
 * @module
 */
import type { GatewayConfig } from "../gateway_config.ts";
import { contacts } from "./contacts.ts";

/** The `host:port` of every contact, sorted, each once. */
export function networkAllowlist(config: GatewayConfig): string[] {
  return [...new Set(contacts(config).map(({ address }) => address))].sort();
}

/** The `host:port` that the gateway listens on; an IPv6 address is in brackets. */
export function listenHostAndPort({ listen }: GatewayConfig): string {
  const host = listen.address.includes(":") ? `[${listen.address}]` : listen.address;
  return `${host}:${listen.port}`;
}
