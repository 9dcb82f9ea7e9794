/**
 * Tests before any worker starts whether the gateway can listen on its port. Workers share their port,
 * so they would not notice another gateway on it.
 */
import { reasonOf } from "../errors/reason.ts";

/** The port is already in use. */
export class PortInUseError extends Error {
  override readonly name = "PortInUseError";
}

/**
 * Listens briefly, and returns the port: a free one for port 0.
 *
 * @throws {PortInUseError} When the port is already in use.
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
        `Cannot listen on ${place}: another program uses it. ` +
          "Stop that program, or choose another port with --port or Listen.Port",
        { cause },
      );
    }
    throw new Error(`Cannot listen on ${place}: ${reasonOf(cause)}`, { cause });
  }
}
