/**
 * Derives from a configuration the Deno permissions that a worker needs, and grants no others.
 */
import type { GatewayConfig } from "../gateway_config.ts";
import { isKvFile } from "../keys/token_cache.ts";
import { listenHostAndPort, networkAllowlist } from "./contacts.ts";

/** The permissions of a worker as `new Worker` takes them; `false` grants nothing. */
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

export function permissionSet(config: GatewayConfig): PermissionSet {
  const { tokenCache, stateDirectory } = config;
  const kvFile = isKvFile(tokenCache);
  const servers = [...config.servers.values()];
  const reaches = servers.map(({ reach }) => reach);
  const state = kvFile || holdsUploads(config) || reaches.some((reach) => reach.state)
    ? [stateDirectory]
    : [];
  const files = reaches.flatMap((reach) => reach.files);
  return {
    net: [...new Set([listenHostAndPort(config), ...networkAllowlist(config)])].sort(),
    read: orNothing([...new Set([...state, ...files])].sort()),
    write: orNothing(state),
    // The only source of a remote KV for its access token.
    env: tokenCache.backend === "kv" && !kvFile ? ["DENO_KV_ACCESS_TOKEN"] : false,
    run: false,
    ffi: false,
    sys: false,
    import: false,
  };
}

/** Whether batches of uploads may be held in the state directory. */
export function holdsUploads({ uploads, servers }: GatewayConfig): boolean {
  return uploads.diskBytes > 0 &&
    servers.values().some(({ profile }) => profile.rules.storeBatchBytes > 0);
}

function orNothing(paths: string[]): string[] | false {
  return paths.length > 0 && paths;
}
