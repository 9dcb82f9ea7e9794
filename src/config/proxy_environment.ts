/**
 * The environment variables by which Deno would send requests through a proxy, whatever the configuration
 * says: also those to metadata services and to loopback. Only `Proxy` counts, which can be seen, checked and
 * is on the allowlist. The configuration may still refer to the variables, as in `"Url": "${HTTPS_PROXY}"`.
 *
 * @module
 */

const NAMES = ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"];

const setAside = new Map<string, string>();

/**
 * Hides the variables from the runtime, before the first request of this process.
 *
 * @returns The names of those that were set and meant a proxy.
 */
export function dropProxyEnvironment(): string[] {
  const dropped: string[] = [];
  for (const name of NAMES.flatMap((upper) => [upper, upper.toLowerCase()])) {
    const value = Deno.env.get(name);
    if (!value) continue;
    setAside.set(name, value);
    Deno.env.delete(name);
    if (!/no_proxy/i.test(name)) dropped.push(name);
  }
  return dropped;
}

/** Reads an environment variable as the process was started with it. */
export function environmentVariable(name: string): string | undefined {
  return setAside.get(name) ?? Deno.env.get(name);
}
