/**
 * Measures the round trip to an endpoint by the time that TCP connections take to open.
 */
import { type Endpoint, openConnection } from "./connection_probe.ts";

/** Opens and closes a connection, and returns the address that it was to. */
export type Connect = (endpoint: Endpoint) => Promise<string>;

const CONNECTIONS = 5;
const TIMEOUT_MS = 5_000;

/**
 * The least of several measurements: a connection takes longer than a round trip, but never less.
 *
 * @throws {Error} When a connection cannot be opened.
 */
export async function leastRoundTripMs(
  endpoint: Endpoint,
  { connect = openAndClose, now = () => performance.now() }: {
    readonly connect?: Connect;
    /** Milliseconds. */
    readonly now?: () => number;
  } = {},
): Promise<number> {
  // The first one also resolves the name, and finds an address that answers.
  const host = await connect(endpoint);
  let least = Infinity;
  for (let count = 0; count < CONNECTIONS; count++) {
    const startedMs = now();
    await connect({ ...endpoint, host });
    least = Math.min(least, now() - startedMs);
  }
  return least;
}

async function openAndClose(endpoint: Endpoint): Promise<string> {
  const socket = await openConnection({ host: endpoint.host, port: endpoint.port }, TIMEOUT_MS);
  const { remoteAddress } = socket;
  socket.destroy();
  return remoteAddress ?? endpoint.host;
}
