/**
 * The environment of this process, as the configuration refers to it and as nothing else should see it.
 *
 * Variables by which Deno would send requests through a proxy are hidden from the runtime: only `Proxy`
 * counts, which can be seen, checked and is on the allowlist. All variables are hidden from the workers:
 * Deno's internals read some without asking for a permission.
 *
 * @module
 */

const PROXIES = ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"];

/** What the runtime and the C library read, at times long after the start. */
const RUNTIME =
  /^=|^(?:(?:DENO(?!_AUTH_TOKENS)|LC|LD|NODE|OTEL|RUST|SSL|XDG)_.*|HOME|LANG|NO_COLOR|PATH|SYSTEMROOT|TE?MP|TERM|TMPDIR|TZ|USERPROFILE|WINDIR)$/i;

/**
 * Where Deno's Cache API keeps what it is given: `{url},{token}` of a server instead of a directory for
 * temporary files. Nobody can listen at port 0.
 */
const CACHE_STORAGE = ["DENO_CACHE_LSC_ENDPOINT", "http://0.0.0.0:0,none"] as const;

const setAside = new Map<string, string>();

/**
 * Hides the variables for proxies from the runtime, before the first request of this process.
 *
 * @returns The names of those that were set and meant a proxy.
 */
export function dropProxyEnvironment(): string[] {
  const dropped: string[] = [];
  for (const name of PROXIES.flatMap((upper) => [upper, upper.toLowerCase()])) {
    const value = Deno.env.get(name);
    if (!value) continue;
    hide(name, value);
    if (!/no_proxy/i.test(name)) dropped.push(name);
  }
  return dropped;
}

/** Hides all variables that the runtime does not need, secrets of the configuration among them. */
export function hideEnvironment(): void {
  for (const [name, value] of Object.entries(Deno.env.toObject())) {
    if (!RUNTIME.test(name)) hide(name, value);
  }
}

/**
 * Makes the Cache API fail in workers that start from now on. It writes to the disk whatever a worker is
 * permitted, and there is no other way to turn it off in workers of a worker, too.
 */
export function disableCacheStorage(): void {
  Deno.env.set(...CACHE_STORAGE);
}

/** Reads an environment variable as the process was started with it. */
export function environmentVariable(name: string): string | undefined {
  return setAside.get(name) ?? Deno.env.get(name);
}

function hide(name: string, value: string): void {
  setAside.set(name, value);
  Deno.env.delete(name);
}
