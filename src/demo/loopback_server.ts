/**
 * An HTTP server on loopback, on its preferred port or, if that is in use, on any free one.
 */

export interface LoopbackServer {
  /** Scheme, host and port, without a trailing slash. */
  readonly origin: string;
  readonly port: number;
  /** Stops listening, and finishes the requests in progress. */
  close(): Promise<void>;
}

const ADDRESS = "127.0.0.1";

/**
 * @param port The preferred port; 0 for any.
 * @param makeHandler Makes the handler from the server's origin.
 */
export function serveOnLoopback(
  port: number,
  makeHandler: (origin: string) => (request: Request) => Response | Promise<Response>,
): LoopbackServer {
  const server = onPortOrAny(
    port,
    (port) =>
      Deno.serve({ hostname: ADDRESS, port, onListen: () => {} }, (request) => handler(request)),
  );
  const origin = `http://${ADDRESS}:${server.addr.port}`;
  const handler = makeHandler(origin);
  return { origin, port: server.addr.port, close: () => server.shutdown() };
}

/** This port or, if it is in use, a free one, for a server that is started elsewhere. */
export function freePort(port: number): number {
  return onPortOrAny(port, (port) => {
    const listener = Deno.listen({ hostname: ADDRESS, port });
    listener.close();
    return listener.addr.port;
  });
}

function onPortOrAny<T>(port: number, listen: (port: number) => T): T {
  try {
    return listen(port);
  } catch (error) {
    if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    return listen(0);
  }
}
