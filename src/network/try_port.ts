/**
 * Finds out whether anything listens on a port of this machine.
 *
 * @module
 */
import { loopbackOf } from "../config/values/host_names.ts";

/**
 * Connects to a port, and leaves at once.
 *
 * @param listener The address that something listens on, and the port.
 * @throws What connecting fails with.
 */
export async function tryPort(
  { address, port }: { readonly address: string; readonly port: number },
): Promise<void> {
  const connection = await Deno.connect({ hostname: loopbackOf(address), port });
  connection.close();
}
