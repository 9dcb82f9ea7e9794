/**
 * Limits the request rate of each client, over all workers, and reports what is left (`RateLimit` and
 * `RateLimit-Policy` of draft-ietf-httpapi-ratelimit-headers-10). A client is its authenticated subject,
 * otherwise its network.
 */
import type { Context, MiddlewareHandler } from "hono";
import type { RateLimitConfig } from "../../config/keys/rate_limit.ts";
import { GatewayError } from "../../errors/gateway_error.ts";
import { isOpen } from "./authenticate.ts";
import { type ClientAddress, clientNetwork } from "../client_address.ts";
import type { Destination, GatewayEnv } from "../gateway_env.ts";
import type { Quota, QuotaTable } from "./quota_table.ts";

export interface RateLimitOptions {
  readonly table: Pick<QuotaTable, "take">;
  /** For servers without a limit of their own; unlimited if undefined. */
  readonly limit: RateLimitConfig | undefined;
  readonly servers: ReadonlyMap<string, RateLimitConfig | "unlimited">;
  readonly addresses: ClientAddress;
}

interface Policy {
  readonly limit: RateLimitConfig;
  /** In the response headers. */
  readonly name: string;
  readonly counted: string;
}

/** Rejects requests beyond the limit with 429. */
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
    // The runtime's response to a handshake must not be modified.
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
