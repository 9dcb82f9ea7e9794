/**
 * The environment variables of this process, hidden from all but the configuration. With those for
 * proxies, Deno would bypass `Proxy`, which is checked and on the allowlist. Workers see none: Deno's
 * internals read some without a permission.
 */

const PROXIES = ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"];

/** Variables that the runtime and the C library read, also long after the start. */
const RUNTIME =
  /^=|^(?:(?:DENO(?!_AUTH_TOKENS)|LC|LD|NODE|OTEL|RUST|SSL|XDG)_.*|HOME|LANG|NO_COLOR|PATH|SYSTEMROOT|TE?MP|TERM|TMPDIR|TZ|USERPROFILE|WINDIR)$/i;

/**
 * Where Deno's Cache API stores responses: `{url},{token}` of a server instead of a temporary directory.
 * Nothing can listen at port 0.
 */
const CACHE_STORAGE = ["DENO_CACHE_LSC_ENDPOINT", "http://0.0.0.0:0,none"] as const;

const setAside = new Map<string, string>();

/**
 * Hides the variables for proxies from the runtime, before the first request of this process.
 *
 * @returns The names of those that named a proxy.
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

/** Hides all variables that the runtime does not need, such as secrets of the configuration. */
export function hideEnvironment(): void {
  for (const [name, value] of Object.entries(Deno.env.toObject())) {
    if (!RUNTIME.test(name)) hide(name, value);
  }
}

/**
 * Disables the Cache API in workers that start from now on: it writes to the disk without a permission.
 * There is no other way that includes workers of a worker.
 */
export function disableCacheStorage(): void {
  Deno.env.set(...CACHE_STORAGE);
}

/** Reads an environment variable as the process was started with it; U+FFFD for one that is no text. */
export function environmentVariable(name: string): string | undefined {
  try {
    return setAside.get(name) ?? Deno.env.get(name);
  } catch (error) {
    if (!(error instanceof Deno.errors.InvalidData)) throw error;
    // Not UTF-8. The message of the error contains the value, which may be a secret.
    return "\uFFFD";
  }
}

function hide(name: string, value: string): void {
  setAside.set(name, value);
  Deno.env.delete(name);
}
