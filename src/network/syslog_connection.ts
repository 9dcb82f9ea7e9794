/**
 * Sends messages to a syslog server (RFC 5424) over TLS (RFC 5425). Syslog confirms nothing: what was
 * written to a connection that then breaks may be lost, which the numbers in the messages show.
 */

export interface SyslogOptions {
  readonly host: string;
  readonly port: number;
  /** PEM certificates trusted besides those of the system. */
  readonly caCertificatesPem: readonly string[];
  /** Longest time for connecting and for each write. */
  readonly timeoutMs: number;
}

export interface SyslogConnection {
  /** @throws When the messages could not be written. */
  write(lines: readonly string[]): Promise<void>;
  /** Closes the connection; a write in progress fails first. */
  close(): Promise<void>;
}

/** Facility 13, log audit; severity 6, informational (RFC 5424, section 6.2.1). */
const PRIORITY = 13 * 8 + 6;
const APPLICATION = "dicomweb-gateway";
const MESSAGE_ID = "audit";

/** A connection that is opened with the first message, and again whenever it was lost. */
export function openSyslog(options: SyslogOptions): SyslogConnection {
  const host = Deno.hostname();
  const encoder = new TextEncoder();
  let connection: Deno.TlsConn | undefined;
  let limit: AbortController | undefined;
  let writing: Promise<void> = Promise.resolve();
  const drop = () => {
    connection?.close();
    connection = undefined;
  };
  const send = async (lines: readonly string[], limit: AbortController) => {
    const bytes = encoder.encode(lines.map((line) => framed(line, host, encoder)).join(""));
    limit.signal.addEventListener("abort", drop);
    const timer = setTimeout(() => limit.abort(), options.timeoutMs);
    try {
      if (connection === undefined) {
        const made = await connect(options, limit.signal);
        connection = made;
        void ended(made).then(() => {
          if (connection === made) drop();
        });
      }
      for (let at = 0; at < bytes.length;) {
        at += await connection.write(bytes.subarray(at));
      }
    } catch (cause) {
      drop();
      const where = `${options.host}:${options.port}`;
      const failure = cause instanceof Error ? cause.message : String(cause);
      const reason = limit.signal.aborted ? "it does not answer" : failure;
      throw new Error(`Cannot send to the syslog server ${where}: ${reason}`, { cause });
    } finally {
      clearTimeout(timer);
    }
  };
  return {
    write(lines) {
      limit = new AbortController();
      const written = send(lines, limit);
      writing = written.catch(() => {});
      return written;
    },
    async close() {
      limit?.abort();
      drop();
      await writing;
    },
  };
}

/**
 * Connects and completes the handshake, and sends nothing.
 *
 * @throws {Error} When the server does not answer, or is not trusted.
 */
export async function testSyslog(options: SyslogOptions): Promise<void> {
  (await connect(options, AbortSignal.timeout(options.timeoutMs))).close();
}

async function connect(
  { host, port, caCertificatesPem }: SyslogOptions,
  signal: AbortSignal,
): Promise<Deno.TlsConn> {
  const tcp = await Deno.connect({ hostname: host, port, signal });
  // Else a server that vanished would be noticed only when the next record is lost.
  tcp.setKeepAlive(true);
  const connection = await Deno.startTls(tcp, { hostname: host, caCerts: [...caCertificatesPem] });
  const close = () => connection.close();
  signal.addEventListener("abort", close);
  try {
    await connection.handshake();
  } catch (error) {
    if (!signal.aborted) connection.close();
    throw error;
  } finally {
    signal.removeEventListener("abort", close);
  }
  return connection;
}

/** Waits for the end of the connection. The server sends nothing, so reading shows only that. */
async function ended(connection: Deno.TlsConn): Promise<void> {
  const buffer = new Uint8Array(64);
  try {
    while (await connection.read(buffer) !== null);
  } catch {
    // The connection broke off or was closed here.
  }
}

/** RFC 5425, section 4.3: the message's length in bytes, a space, the message. */
function framed(line: string, host: string, encoder: TextEncoder): string {
  const time = new Date().toISOString();
  const header = `<${PRIORITY}>1 ${time} ${host} ${APPLICATION} ${Deno.pid} ${MESSAGE_ID} -`;
  const message = `${header} ${line}`;
  return `${encoder.encode(message).length} ${message}`;
}
