/**
 * Limits how many requests one client sends, for all workers together, and tells every client how
 * much is left (`RateLimit` and `RateLimit-Policy` of draft-ietf-httpapi-ratelimit-headers-10). A client
 * is who it has shown to be, else the network it comes from.
 *
 * @module
 */
import type { Context, MiddlewareHandler } from "hono";
import type { RateLimitConfig } from "../../config/keys/rate_limit.ts";
import { GatewayError } from "../../errors/gateway_error.ts";
import { isOpen } from "./authenticate.ts";
import { type ClientAddress, clientNetwork } from "../client_address.ts";
import type { Destination, GatewayEnv } from "../gateway_env.ts";
import type { Quota, QuotaTable } from "./quota_table.ts";

/** What a rate limit works with. */
export interface RateLimitOptions {
  readonly table: Pick<QuotaTable, "take">;
  /** The limit where a server has none of its own; `undefined`: none. */
  readonly limit: RateLimitConfig | undefined;
  /** Limits of servers that have one of their own, by name. */
  readonly servers: ReadonlyMap<string, RateLimitConfig | "unlimited">;
  /** Finds out where clients are. */
  readonly addresses: ClientAddress;
}

/** A limit, and what is counted under it. */
interface Policy {
  readonly limit: RateLimitConfig;
  /** What the client is told that it is called. */
  readonly name: string;
  readonly counted: string;
}

/**
 * Makes the middleware.
 *
 * @returns Refuses with 429 what is too much.
 */
export function limitRate(options: RateLimitOptions): MiddlewareHandler<GatewayEnv> {
  const own = policies("management", options.limit);
  const dicomweb = policies("dicomweb", options.limit);
  const servers = new Map(
    [...options.servers].map(([name, limit]) => [
      name,
      limit === "unlimited" ? undefined : policies("server", limit, ` ${name}`),
    ]),
  );
  const policyOf = (destination: Destination): Policy | undefined => {
    if (destination.kind === "page") return isOpen(destination) ? undefined : own;
    const { server } = destination;
    return servers.has(server) ? servers.get(server) : dicomweb;
  };
  return async function limitClient(c, next) {
    const destination = c.get("destination");
    const policy = policyOf(destination);
    if (policy === undefined) return await next();
    const quota = options.table.take(
      `${policy.counted} ${clientOf(c, options.addresses)}`,
      policy.limit,
    );
    if (quota.isExhausted) throw tooMany(policy, quota);
    await next();
    // The runtime's answer to a handshake must not be touched.
    if (destination.kind === "store" && destination.isWebSocket) return;
    for (const [name, value] of headersOf(policy, quota)) c.res.headers.set(name, value);
  };
}

function policies(
  name: string,
  limit: RateLimitConfig | undefined,
  server = "",
): Policy | undefined {
  return limit && { limit, name, counted: `${name}${server}` };
}

function clientOf(c: Context<GatewayEnv>, addresses: ClientAddress): string {
  const caller = c.get("caller");
  if (caller !== undefined) return caller.subject;
  const address = addresses.of(c.req.raw.headers, c.env.remoteAddr?.hostname);
  c.set("address", address);
  return clientNetwork(address);
}

function headersOf(
  { name, limit }: Policy,
  { remaining, fullAfterMs }: Quota,
): [name: string, value: string][] {
  const window = Math.ceil(limit.windowMs / 1000);
  return [
    ["ratelimit-policy", `"${name}";q=${limit.requests};w=${window}`],
    ["ratelimit", `"${name}";r=${remaining};t=${Math.ceil(fullAfterMs / 1000)}`],
  ];
}

function tooMany(policy: Policy, quota: Quota): GatewayError {
  const { requests, windowMs } = policy.limit;
  return new GatewayError(
    "NET-012",
    `Rate limit exceeded: more than ${requests} requests in ${windowMs / 1000} s`,
    {
      retryAfterSeconds: quota.retryAfterMs / 1000,
      headers: Object.fromEntries(headersOf(policy, quota)),
    },
  );
}
