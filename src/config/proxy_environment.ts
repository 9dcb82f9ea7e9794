/**
 * The environment variables by which Deno would send requests through a proxy, whatever the configuration
 * says: also those to metadata services and to loopback. Only `Proxy` counts, which can be seen, checked and
 * is on the allowlist.
 *
 * @module
 */

const NAMES = ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"];

/**
 * Removes the variables from this process.
 *
 * @returns The names of those that were set and meant a proxy.
 */
export function dropProxyEnvironment(): string[] {
  const dropped: string[] = [];
  for (const name of NAMES.flatMap((upper) => [upper, upper.toLowerCase()])) {
    if (!Deno.env.get(name)) continue;
    Deno.env.delete(name);
    if (!/no_proxy/i.test(name)) dropped.push(name);
  }
  return dropped;
}
