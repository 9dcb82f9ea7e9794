/**
 * Derives from a configuration the Deno permissions that a worker needs, and no more.
 *
 * @module
 */
import { listenHostAndPort, networkAllowlist } from "./allowlist.ts";
import type { GatewayConfig } from "../gateway_config.ts";

/** The permissions of a worker; `false` grants nothing. */
export interface PermissionSet {
  readonly net: string[];
  readonly read: string[] | false;
  readonly write: string[] | false;
  readonly env: string[] | false;
  readonly run: false;
  readonly ffi: false;
  readonly sys: false;
  readonly import: false;
}

/**
 * The permissions that a worker with this configuration needs.
 *
 * @returns The permissions, as `new Worker` takes them.
 */
export function permissionSet(config: GatewayConfig): PermissionSet {
  const { tokenCache, stateDirectory } = config;
  const kv = tokenCache.backend === "kv";
  const kvFile = kv && tokenCache.url === undefined;
  const reaches = [...config.servers.values()].map(({ reach }) => reach);
  const state = kvFile || reaches.some((reach) => reach.state) ? [stateDirectory] : [];
  const files = reaches.flatMap((reach) => reach.files);
  return {
    net: [...new Set([listenHostAndPort(config), ...networkAllowlist(config)])].sort(),
    read: orNothing([...new Set([...state, ...files])].sort()),
    write: orNothing(state),
    // A remote KV takes its access token from this variable and from nowhere else.
    env: kv && !kvFile ? ["DENO_KV_ACCESS_TOKEN"] : false,
    run: false,
    ffi: false,
    sys: false,
    import: false,
  };
}

function orNothing(paths: string[]): string[] | false {
  return paths.length > 0 && paths;
}
