/**
 * Removes from a worker what reaches beyond its permissions. Must be imported before anything else, so
 * that no dependency can keep a reference.
 *
 * - `caches` writes files, which a later process reads.
 * - `Worker` starts a thread in which all of this is available again.
 * - `Deno[Deno.internal]` has the runtime's operations, some of which check no permission.
 * - `navigator.gpu` loads drivers of the machine.
 *
 * `node:worker_threads` cannot be removed: `disableCacheStorage` and `hideEnvironment` protect what it
 * reaches.
 */
for (const name of ["caches", "Cache", "CacheStorage", "Worker"]) {
  Reflect.deleteProperty(globalThis, name);
}
// deno-lint-ignore rooms/privilege -- removed, not used
const { internal } = Deno as unknown as { readonly internal: symbol };
// deno-lint-ignore rooms/privilege -- the same
Reflect.deleteProperty(Deno, internal);
Reflect.deleteProperty(Object.getPrototypeOf(navigator), "gpu");
