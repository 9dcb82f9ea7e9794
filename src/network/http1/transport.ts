/**
 * The part of `Deno.Conn` that an HTTP/1.1 connection needs.
 */

export interface Transport {
  /** Reads some bytes; null at the end of what the other side sends. */
  read(into: Uint8Array): Promise<number | null>;
  /** Writes some of the bytes and returns how many. */
  write(bytes: Uint8Array): Promise<number>;
  /** Closes both directions; a read or write in progress fails. */
  close(): void;
  /** Present with TLS: what was negotiated. */
  handshake?(): Promise<{ readonly alpnProtocol: string | null }>;
  /** A read in progress keeps the process alive, or not. */
  ref(): void;
  unref(): void;
}
