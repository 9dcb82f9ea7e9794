/**
 * What an HTTP/1.1 connection runs over, as narrow as `Deno.Conn` fills it.
 *
 * @module
 */

/** An open byte stream in both directions. */
export interface Transport {
  /** Reads some bytes; null at the end of what the other side sends. */
  read(into: Uint8Array): Promise<number | null>;
  /** Writes some of the bytes and returns how many. */
  write(bytes: Uint8Array): Promise<number>;
  /** Closes both directions; a read or write in progress fails. */
  close(): void;
  /** Where it is TLS: says what was negotiated. */
  handshake?(): Promise<{ readonly alpnProtocol: string | null }>;
  /** Lets a read in progress keep the process alive, or not. */
  ref(): void;
  unref(): void;
}
