/**
 * Asks for a permission before any page of the gateway's own is shown: all that is neither a store's nor
 * open to everyone.
 *
 * @module
 */
import type { MiddlewareHandler } from "hono";
import { ANONYMOUS } from "../credentials/inbound/caller.ts";
import type { AccessRules } from "./access_rules.ts";
import { OPEN_PATHS } from "./authenticate.ts";
import { DICOMWEB_PREFIX, PLUGIN_PREFIX } from "./dicomweb_routes.ts";
import type { GatewayEnv } from "./gateway_env.ts";

const METRICS = "/dicomweb-oauth/metrics";
/** An escaped name is not looked into: such a request needs the right to all servers. */
const ONE_SERVER = /^\/dicomweb-oauth\/servers\/([^/%]+)\//;

/**
 * Makes the middleware.
 *
 * @param access Decides.
 * @returns Lets through what is permitted.
 */
export function permitPages(access: AccessRules): MiddlewareHandler<GatewayEnv> {
  return function permitPage(c, next) {
    const { path } = c.req;
    const isOwn = !OPEN_PATHS.has(path) && !path.startsWith(DICOMWEB_PREFIX) &&
      !path.startsWith(PLUGIN_PREFIX);
    if (isOwn) {
      const right = path === METRICS ? "metrics" : "manage";
      access.checkPage(c.get("caller") ?? ANONYMOUS, right, ONE_SERVER.exec(path)?.[1]);
    }
    return next();
  };
}
