/**
 * Requires a permission for the gateway's own pages, for paths without a page too: all but stores, whose
 * permissions depend on the transaction, and open pages.
 */
import type { MiddlewareHandler } from "hono";
import { ANONYMOUS } from "../../credentials/inbound/caller.ts";
import type { AccessRules } from "./access_rules.ts";
import type { GatewayEnv } from "../gateway_env.ts";

export function permitPages(access: AccessRules): MiddlewareHandler<GatewayEnv> {
  return function permitPage(c, next) {
    const destination = c.get("destination");
    if (destination.kind === "page") {
      const right = destination.page?.right ?? "manage";
      if (right !== "open") {
        access.checkPage(c.get("caller") ?? ANONYMOUS, right, destination.server);
      }
    }
    return next();
  };
}
