/**
 * The configuration as the supervisor posts it to a worker. Structured cloning does not preserve
 * classes, so each `Secret` is posted as bytes; nothing else in a configuration is bytes.
 */
import { deepFreeze } from "./values/frozen.ts";
import type { GatewayConfig } from "./gateway_config.ts";
import { Secret } from "./values/secret.ts";

/** A configuration whose secrets are bytes. */
export interface PostedConfig {
  readonly posted: unknown;
}

/** Converts a configuration for `postMessage`. */
export function postable(config: GatewayConfig): PostedConfig {
  const encoder = new TextEncoder();
  return {
    posted: mapped(
      config,
      (value) => value instanceof Secret ? encoder.encode(value.reveal()) : undefined,
    ),
  };
}

/** The configuration that {@linkcode postable} converted, frozen. */
export function received({ posted }: PostedConfig): GatewayConfig {
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  return deepFreeze(
    mapped(
      posted,
      (value) => value instanceof Uint8Array ? new Secret(decoder.decode(value)) : undefined,
    ) as GatewayConfig,
  );
}

function mapped(value: unknown, leaf: (value: object) => unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  const replaced = leaf(value);
  if (replaced !== undefined) return replaced;
  if (Array.isArray(value)) return value.map((item) => mapped(item, leaf));
  if (value instanceof Map) {
    return new Map([...value].map(([key, item]) => [key, mapped(item, leaf)]));
  }
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, mapped(item, leaf)]),
  );
}
