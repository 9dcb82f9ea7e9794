/**
 * Finds out whether a listener of this machine accepts connections.
 */
import { loopbackOf } from "../config/values/host_names.ts";

/** @throws What connecting fails with. */
export async function tryPort(
  { address, port }: { readonly address: string; readonly port: number },
): Promise<void> {
  const connection = await Deno.connect({ hostname: loopbackOf(address), port });
  connection.close();
}
