/**
 * Responds to a request for one of the gateway's own pages.
 */
import type { Context } from "hono";
import { GatewayError } from "../../errors/gateway_error.ts";
import type { GatewayEnv, Page, PageDestination, PageMethod, PageParts } from "../gateway_env.ts";

/**
 * @throws {GatewayError} NET-006 if there is no such page, NET-007 if it does not have the method, and
 * whatever the page's handler throws.
 */
export function answerPage(
  c: Context<GatewayEnv>,
  { page, server, document }: PageDestination,
  parts: PageParts,
): Response | Promise<Response> {
  if (page === undefined) throw new GatewayError("NET-006", "No such path");
  const { method } = c.req.raw;
  const operation = page.methods[(method === "HEAD" ? "GET" : method) as PageMethod];
  if (operation === undefined) {
    throw new GatewayError("NET-007", "Method not allowed", { headers: { allow: allowOf(page) } });
  }
  if (page.right !== "open") {
    c.header("cross-origin-resource-policy", "same-origin");
    c.header("x-content-type-options", "nosniff");
  }
  return operation.handler(c, parts, server ?? document ?? "");
}

function allowOf({ methods }: Page): string {
  return Object.keys(methods).flatMap((method) => method === "GET" ? ["GET", "HEAD"] : method)
    .join(", ");
}
