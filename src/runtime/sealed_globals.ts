/**
 * Takes away from a worker what reaches beyond its permissions. To be imported before anything else, so
 * that no dependency can keep it.
 *
 * - `caches` writes files, and a later process reads them.
 * - `Worker` starts a thread that has all of this again.
 * - `Deno[Deno.internal]` has the runtime's operations, some of which ask for no permission.
 * - `navigator.gpu` loads drivers of the machine.
 *
 * `node:worker_threads` cannot be taken away: what it leads to is closed by `disableCacheStorage` and
 * `hideEnvironment`.
 *
 * @module
 */
for (const name of ["caches", "Cache", "CacheStorage", "Worker"]) {
  Reflect.deleteProperty(globalThis, name);
}
// deno-lint-ignore rooms/privilege -- it takes away, and uses nothing
const { internal } = Deno as unknown as { readonly internal: symbol };
// deno-lint-ignore rooms/privilege -- the same
Reflect.deleteProperty(Deno, internal);
Reflect.deleteProperty(Object.getPrototypeOf(navigator), "gpu");
