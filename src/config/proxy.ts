/**
 * `Proxy`: the HTTP proxy through which the gateway reaches stores and identity providers.
 *
 * @module
 */
import { z } from "zod";
import type { ProxyConfig } from "./gateway_config.ts";
import type { RawKeys, ReadContext } from "./read_context.ts";
import { Secret } from "./secret.ts";
import { httpUrl, text } from "./value_schemas.ts";

/** The keys of `Proxy`. */
export const proxySchema = z.strictObject({
  Url: httpUrl().describe("URL of the proxy, without a user name"),
  Username: text().optional().describe("User name at the proxy"),
  Password: text().optional().describe("Password at the proxy"),
});

/**
 * Checks what the keys of `Proxy` mean together.
 *
 * @param raw The object as written.
 * @param context Where it stands.
 */
export function checkProxy(raw: RawKeys, { path, report }: ReadContext): void {
  for (const [one, other] of [["Username", "Password"], ["Password", "Username"]] as const) {
    if (raw[one] !== undefined && raw[other] === undefined) {
      report.add("CFG-001", [...path, other], `${one} needs ${other}`);
    }
  }
}

/**
 * Makes the proxy's configuration.
 *
 * @param keys The keys, checked.
 * @returns How to use the proxy.
 */
export function buildProxy(keys: z.output<typeof proxySchema>): ProxyConfig {
  return {
    url: new URL(keys.Url).href,
    username: keys.Username,
    password: keys.Password === undefined ? undefined : new Secret(keys.Password),
  };
}
