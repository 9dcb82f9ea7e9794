/**
 * The DICOMweb side of the gateway: everything below a server's name goes to that server's store.
 *
 * @module
 */
import { type Context, Hono } from "hono";
import { ANONYMOUS } from "../credentials/inbound/caller.ts";
import { withoutAccessTokens } from "../dicomweb/query_tokens.ts";
import { classify, isWebSocketHandshake } from "../dicomweb/transaction.ts";
import { GatewayError } from "../errors/gateway_error.ts";
import type { Store } from "../upstream/store.ts";
import type { AccessRules } from "./access_rules.ts";
import type { Activity } from "./activity.ts";
import { openWebSocket } from "./open_web_socket.ts";
import type { PublicAddress } from "./public_address.ts";
import type { GatewayEnv } from "./gateway_env.ts";

/** Where stores are reached, as `/dicom-web/{server}/…`. */
export const DICOMWEB_PREFIX = "/dicom-web/";
/** Where the plugin had them, as `/oauth-dicom-web/servers/{server}/…`. */
export const PLUGIN_PREFIX = "/oauth-dicom-web/servers/";

/**
 * The DICOMweb routes under both prefixes.
 *
 * @param stores The stores, by name.
 * @param address The URL at which clients reach the gateway.
 * @param activity Keeps account of the traffic.
 * @param access Decides who may do what; everyone everything unless given.
 * @returns An app to mount at the root.
 */
export function dicomwebRoutes(
  stores: ReadonlyMap<string, Store>,
  address: PublicAddress,
  activity: Activity,
  access?: AccessRules,
): Hono<GatewayEnv> {
  const app = new Hono<GatewayEnv>();
  for (const prefix of [DICOMWEB_PREFIX, PLUGIN_PREFIX]) {
    const handler = (c: Context<GatewayEnv>) =>
      forwardTo(stores, { address, access, activity }, prefix, c);
    app.all(`${prefix}:server`, handler);
    app.all(`${prefix}:server/*`, handler);
  }
  return app;
}

function forwardTo(
  stores: ReadonlyMap<string, Store>,
  { address, access, activity }: {
    readonly address: PublicAddress;
    readonly access: AccessRules | undefined;
    readonly activity: Activity;
  },
  prefix: string,
  c: Context<GatewayEnv>,
): Promise<Response> {
  const request = c.req.raw;
  const { name, target } = splitTarget(request.url, prefix);
  const store = stores.get(name);
  if (store === undefined) {
    throw new GatewayError("NET-006", "Cannot forward the request: no server of that name");
  }
  // The runtime takes the first of two; what is before or behind the gateway may take the other.
  if (request.headers.get("host")?.includes(",")) {
    throw new GatewayError("NET-005", "Cannot forward the request: it names two hosts");
  }
  c.set("server", name);
  const asked = storeTarget(prefix, target);
  const transaction = classify(request.method, asked, request.headers);
  c.set("transaction", transaction);
  access?.checkStore(c.get("caller") ?? ANONYMOUS, name, transaction);
  const transfer = activity.begin(name, request, transaction);
  c.set("transfer", transfer);
  const forward = {
    request,
    publicUrl: address.of(request, c.env.remoteAddr?.hostname),
    target: asked,
    transaction,
    requestId: c.get("requestId"),
    completed: c.env.completed,
    passed: transfer,
  };
  if (!isWebSocketHandshake(request)) return store.forward(forward);
  return openWebSocket(store, forward, c);
}

/**
 * Takes a request's URL apart at its server's name.
 *
 * @param url The request's URL as the runtime gives it, its path unchanged from the request line.
 * @param prefix The prefix that the path begins with.
 * @returns The name, and what follows it: path and query for the store.
 *
 * @example
 * ```ts
 * import { splitTarget } from "./dicomweb_routes.ts";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual(
 *   splitTarget("http://gateway:8043/dicom-web/main/studies?limit=1", "/dicom-web/"),
 *   { name: "main", target: "/studies?limit=1" },
 * );
 * ```
 */
export function splitTarget(url: string, prefix: string): { name: string; target: string } {
  const start = url.indexOf("/", url.indexOf("://") + 3) + prefix.length;
  let end = start;
  while (end < url.length && url[end] !== "/" && url[end] !== "?") end++;
  return { name: url.slice(start, end), target: url.slice(end) };
}

/**
 * What the store is asked for: without access tokens, and where the plugin offered `…/stow` for
 * storing.
 *
 * @param prefix The prefix that the path began with.
 * @param target What followed the server's name.
 * @returns Path and query for the store.
 *
 * @example
 * ```ts
 * import { PLUGIN_PREFIX, storeTarget } from "./dicomweb_routes.ts";
 * import assert from "node:assert/strict";
 *
 * assert.equal(storeTarget(PLUGIN_PREFIX, "/stow"), "/studies");
 * assert.equal(storeTarget(PLUGIN_PREFIX, "/stowage"), "/stowage");
 * ```
 */
export function storeTarget(prefix: string, target: string): string {
  const path = prefix === PLUGIN_PREFIX && /^\/stow(?=$|\?)/.test(target)
    ? `/studies${target.slice("/stow".length)}`
    : target;
  return withoutAccessTokens(path);
}
