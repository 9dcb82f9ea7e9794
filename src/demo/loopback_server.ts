/**
 * An HTTP server that only this machine can reach: on the port it is known by where that is free,
 * otherwise on any other.
 *
 * @module
 */

/** A running server. */
export interface LoopbackServer {
  /** Scheme, host and port, without a trailing slash. */
  readonly origin: string;
  /** The port it listens on. */
  readonly port: number;
  /** Stops listening; requests under way are finished. */
  close(): Promise<void>;
}

const ADDRESS = "127.0.0.1";

/**
 * Starts a server on 127.0.0.1.
 *
 * @param port The port to listen on where it is free; 0 for any.
 * @param makeHandler Makes what answers, from the server's own origin.
 */
export function serveOnLoopback(
  port: number,
  makeHandler: (origin: string) => (request: Request) => Response | Promise<Response>,
): LoopbackServer {
  const listen = (on: number) =>
    Deno.serve(
      { hostname: ADDRESS, port: on, onListen: () => {} },
      (request) => handler(request),
    );
  let server: Deno.HttpServer<Deno.NetAddr>;
  try {
    server = listen(port);
  } catch (error) {
    if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    server = listen(0);
  }
  const origin = `http://${ADDRESS}:${server.addr.port}`;
  const handler = makeHandler(origin);
  return { origin, port: server.addr.port, close: () => server.shutdown() };
}

/**
 * Finds a port for a server that someone else starts.
 *
 * @returns That port where it is free, otherwise another that is.
 */
export function freePort(port: number): number {
  const listen = (on: number) => {
    const listener = Deno.listen({ hostname: ADDRESS, port: on });
    listener.close();
    return listener.addr.port;
  };
  try {
    return listen(port);
  } catch (error) {
    if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    return listen(0);
  }
}
