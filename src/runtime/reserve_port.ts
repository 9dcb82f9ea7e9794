/**
 * Finds out, before any worker starts, whether the gateway can listen where it is told to. Workers
 * share their port, so that they themselves would not notice another gateway on it.
 *
 * @module
 */

/** Something listens on the port already. */
export class PortInUseError extends Error {
  override readonly name = "PortInUseError";
}

/**
 * Tries to listen, and stops at once.
 *
 * @param listen Where; port 0 means any free one.
 * @throws {PortInUseError} When something listens there already.
 * @throws {Error} When the address is not one of this host, or the port is not permitted.
 */
export function reservePort(
  { address, port }: { readonly address: string; readonly port: number },
): number {
  try {
    const listener = Deno.listen({ hostname: address, port });
    const { port: actual } = listener.addr as Deno.NetAddr;
    listener.close();
    return actual;
  } catch (cause) {
    const place = `${address}, port ${port}`;
    if (cause instanceof Deno.errors.AddrInUse) {
      throw new PortInUseError(
        `Cannot listen on ${place}: the port is already in use. ` +
          "Stop it, or choose another port with --port or Listen.Port",
        { cause },
      );
    }
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`Cannot listen on ${place}: ${reason}`, { cause });
  }
}
