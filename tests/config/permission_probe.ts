/**
 * Runs in a worker and reports its permissions.
 */

export type Probe = Readonly<Record<string, Deno.PermissionState>>;

self.addEventListener("message", async (event) => {
  const asked = (event as MessageEvent<Record<string, Deno.PermissionDescriptor>>).data;
  const states: Record<string, Deno.PermissionState> = {};
  for (const [name, descriptor] of Object.entries(asked)) {
    states[name] = (await Deno.permissions.query(descriptor)).state;
  }
  (self as unknown as { postMessage(message: Probe): void }).postMessage(states);
});
