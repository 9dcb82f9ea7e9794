/**
 * Requests the health of a gateway on this machine, and its public pages. Its certificate is not
 * verified: it names the host that clients use, not loopback, and nothing secret is sent.
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

/** Longest body that is read. */
const MAX_LENGTH = 1024 * 1024;

/**
 * Sends `GET /healthz` and returns the status.
 *
 * @throws {Error} Without a response in time.
 */
export async function askHealth(address: HealthAddress, timeoutMs: number): Promise<number> {
  return (await askPage(address, "/healthz", timeoutMs)).status;
}

/**
 * Sends a GET request without credentials.
 *
 * @returns The beginning of the body, at most 1 MiB.
 * @throws {Error} Without a complete response in time.
 */
export function askPage(
  address: HealthAddress,
  path: string,
  timeoutMs: number,
): Promise<{ readonly status: number; readonly text: string }> {
  const { host, port, tls } = address;
  const target = { host, port, path, agent: false, headers: { connection: "close" } };
  const request = tls ? requestTls({ ...target, rejectUnauthorized: false }) : requestPlain(target);
  const late = () => new Error(`no answer within ${timeoutMs} ms`);
  return settled(request, timeoutMs, late, (resolve, reject) => {
    request.on("response", (response) => {
      let text = "";
      const done = () => resolve({ status: response.statusCode ?? 0, text });
      response.setEncoding("utf8");
      response.on("data", (part: string) => {
        text += part;
        if (text.length >= MAX_LENGTH) done();
      });
      response.on("end", done);
      response.on("error", reject);
    });
    request.end();
  });
}
