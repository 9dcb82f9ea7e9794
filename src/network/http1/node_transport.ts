/**
 * Connections over Node's sockets, which try every address of a name (RFC 8305) and do TLS with a client
 * certificate inside a tunnel. They cost about twice as much per byte as the runtime's own.
 */
import net from "node:net";
import tls from "node:tls";
import { serverIdentityFault } from "./server_identity.ts";
import type { Transport } from "./transport.ts";

export interface NodeTlsOptions {
  /** Protocols to offer (RFC 7301). */
  readonly alpnProtocols: readonly string[];
  /** Trusted besides the authorities of the system. */
  readonly caCertificatesPem: readonly string[];
  readonly clientCertificate?:
    | { readonly certificatePem: string; readonly keyPem: string }
    | undefined;
  /** Aborts connecting and the handshake. */
  readonly signal?: AbortSignal | undefined;
}

export class NodeTransport implements Transport {
  readonly #socket: net.Socket;
  #error: Error | undefined;
  #hasEnded = false;
  #wake: (() => void) | undefined;
  readonly #listeners: readonly [event: string, listener: (error?: Error) => void][] = [
    ["readable", () => this.#wake?.()],
    ["end", () => {
      this.#hasEnded = true;
      this.#wake?.();
    }],
    ["error", (error) => {
      this.#error = error;
      this.#wake?.();
    }],
    ["close", () => {
      this.#error ??= new Deno.errors.Interrupted("the connection is closed");
      this.#wake?.();
    }],
  ];

  /** @param socket The socket, connected. */
  constructor(socket: net.Socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    for (const [event, listener] of this.#listeners) socket.on(event, listener);
  }

  /** Passes the socket to another reader. */
  detach(): net.Socket {
    for (const [event, listener] of this.#listeners) this.#socket.off(event, listener);
    return this.#socket;
  }

  async read(into: Uint8Array): Promise<number | null> {
    for (;;) {
      const { readableLength } = this.#socket;
      const piece: Uint8Array | null = readableLength === 0
        ? this.#socket.read()
        : this.#socket.read(Math.min(readableLength, into.length));
      if (piece !== null) {
        into.set(piece);
        return piece.length;
      }
      if (this.#hasEnded) return null;
      if (this.#error !== undefined) throw this.#error;
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
  }

  write(bytes: Uint8Array): Promise<number> {
    return new Promise((resolve, reject) =>
      this.#socket.write(bytes, (error) => error ? reject(error) : resolve(bytes.length))
    );
  }

  close(): void {
    this.#socket.destroy();
  }

  handshake(): Promise<{ readonly alpnProtocol: string | null }> {
    const alpnProtocol = this.#socket instanceof tls.TLSSocket ? this.#socket.alpnProtocol : null;
    return Promise.resolve({ alpnProtocol: alpnProtocol || null });
  }

  ref(): void {
    this.#socket.ref();
  }

  unref(): void {
    this.#socket.unref();
  }
}

/**
 * Connects, with TLS to an `https:` URL.
 *
 * @throws What Node's socket fails with.
 */
export async function connectNodeSocket(url: URL, options: NodeTlsOptions): Promise<NodeTransport> {
  const address = { host: hostOf(url), port: portOf(url) };
  const socket = net.connect({ ...address, autoSelectFamily: true });
  const transport = await until("connect", socket, options.signal);
  return url.protocol === "https:" ? await startNodeTls(transport, url, options) : transport;
}

/**
 * Starts TLS on a connection from which nothing of TLS has been read.
 *
 * @throws What the handshake fails with.
 */
export async function startNodeTls(
  transport: NodeTransport,
  url: URL,
  { caCertificatesPem, clientCertificate, alpnProtocols, signal }: NodeTlsOptions,
): Promise<NodeTransport> {
  const host = hostOf(url);
  return await until(
    "secureConnect",
    tls.connect({
      socket: transport.detach(),
      host,
      ...(net.isIP(host) === 0 && { servername: host }),
      ALPNProtocols: [...alpnProtocols],
      checkServerIdentity: serverIdentityFault,
      ...(caCertificatesPem.length > 0 &&
        { ca: [...tls.rootCertificates, ...caCertificatesPem] }),
      ...(clientCertificate &&
        { cert: clientCertificate.certificatePem, key: clientCertificate.keyPem }),
    }),
    signal,
  );
}

function until(
  event: string,
  socket: net.Socket,
  signal: AbortSignal | undefined,
): Promise<NodeTransport> {
  return new Promise((resolve, reject) => {
    const abort = () => {
      socket.destroy();
      reject(signal!.reason);
    };
    socket.once("error", (error) => {
      signal?.removeEventListener("abort", abort);
      socket.destroy();
      reject(error);
    });
    socket.once(event, () => {
      signal?.removeEventListener("abort", abort);
      socket.removeAllListeners("error");
      resolve(new NodeTransport(socket));
    });
    if (signal?.aborted) abort();
    else signal?.addEventListener("abort", abort, { once: true });
  });
}

/** Sockets take an IPv6 address without its brackets. */
export function hostOf({ hostname }: URL): string {
  return hostname.startsWith("[") ? hostname.slice(1, -1) : hostname;
}

export function portOf({ port, protocol }: URL): number {
  return Number(port) || (protocol === "https:" ? 443 : 80);
}
