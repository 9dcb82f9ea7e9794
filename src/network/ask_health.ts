/**
 * Requests the health of a gateway on this machine. Its certificate is not verified: it names the host
 * that clients use, not loopback, and nothing secret is sent.
 */
import { request as requestPlain } from "node:http";
import { request as requestTls } from "node:https";
import { settled } from "./wait.ts";

export interface HealthAddress {
  /** An IP address or host name; an IPv6 address without brackets. */
  readonly host: string;
  readonly port: number;
  readonly tls: boolean;
}

/**
 * Sends `GET /healthz` and returns the status.
 *
 * @throws {Error} Without a response in time.
 */
export function askHealth(address: HealthAddress, timeoutMs: number): Promise<number> {
  const { host, port, tls } = address;
  const target = { host, port, path: "/healthz", agent: false, headers: { connection: "close" } };
  const request = tls ? requestTls({ ...target, rejectUnauthorized: false }) : requestPlain(target);
  const late = () => new Error(`no answer within ${timeoutMs} ms`);
  return settled<number>(request, timeoutMs, late, (resolve) => {
    request.on("response", (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    request.end();
  });
}
