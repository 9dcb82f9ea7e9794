/**
 * Forwards a request to the store that it is for, if the client has the permission.
 */
import type { Context } from "hono";
import { ANONYMOUS } from "../credentials/inbound/caller.ts";
import { GatewayError } from "../errors/gateway_error.ts";
import type { Store } from "../upstream/store.ts";
import type { AccessRules } from "./steps/access_rules.ts";
import type { Activity } from "./account/activity.ts";
import type { GatewayEnv, StoreDestination } from "./gateway_env.ts";
import { openWebSocket } from "./open_web_socket.ts";
import type { PublicAddress } from "./public_address.ts";

export interface ForwardParts {
  readonly stores: ReadonlyMap<string, Store>;
  readonly address: PublicAddress;
  readonly activity: Activity;
  /** Everything is permitted unless given. */
  readonly access?: AccessRules | undefined;
}

/**
 * @throws {GatewayError} NET-006 for a server that is not configured, AUTH-007 without the permission,
 * and whatever `Store.forward` throws.
 */
export function forwardToStore(
  c: Context<GatewayEnv>,
  { server, target, transaction, isWebSocket }: StoreDestination,
  { stores, address, activity, access }: ForwardParts,
): Promise<Response> {
  const request = c.req.raw;
  const store = stores.get(server);
  if (store === undefined) {
    const configured = differentlyCased(server, stores.keys());
    throw new GatewayError("NET-006", "No such server", {
      ...(configured !== undefined && { logFields: { configured_server: configured } }),
    });
  }
  // The runtime uses the first of two; a proxy before the gateway, or the store, may use the other.
  if (request.headers.get("host")?.includes(",")) {
    throw new GatewayError("NET-005", "Cannot forward the request: it has two Host headers");
  }
  c.set("server", server);
  const caller = c.get("caller") ?? ANONYMOUS;
  access?.checkStore(caller, server, transaction);
  const transfer = activity.begin(server, request, transaction);
  c.set("transfer", transfer);
  const forward = {
    request,
    publicUrl: address.of(request, c.env.remoteAddr?.hostname),
    target,
    transaction,
    requestId: c.get("requestId"),
    subject: caller.subject,
    completed: c.env.completed,
    passed: transfer,
  };
  return isWebSocket ? openWebSocket(store, forward, c) : store.forward(forward);
}

/** Only a difference in case is looked for: a comparison of spellings would cost too much here. */
function differentlyCased(written: string, names: Iterable<string>): string | undefined {
  const lower = written.toLowerCase();
  for (const name of names) if (name.toLowerCase() === lower) return name;
  return undefined;
}
