/**
 * Finds out whether anything listens on a port of this machine.
 *
 * @module
 */

/** Addresses that stand for all, and the one by which their listeners are reached. */
const REACHABLE: Readonly<Record<string, string>> = { "0.0.0.0": "127.0.0.1", "::": "::1" };

/**
 * Connects to a port, and leaves at once.
 *
 * @param listener The address that something listens on, and the port.
 * @throws What connecting fails with.
 */
export async function tryPort(
  { address, port }: { readonly address: string; readonly port: number },
): Promise<void> {
  const connection = await Deno.connect({ hostname: REACHABLE[address] ?? address, port });
  connection.close();
}
