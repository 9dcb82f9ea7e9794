/**
 * Makes the TLS handshake of the gateway's own client, for its verdict. Nothing is sent after it.
 */
import { type ConnectorOptions, createConnector } from "./connector.ts";

/**
 * @param address `host:port`, IPv6 in brackets.
 * @throws What connecting or the handshake fails with.
 */
export async function verifyTls(
  address: string,
  options: ConnectorOptions,
  timeoutMs: number,
): Promise<void> {
  const { bodiless, client } = createConnector(options);
  try {
    await bodiless.negotiatesHttp2(`https://${address}/`, AbortSignal.timeout(timeoutMs));
  } finally {
    client.close();
  }
}
