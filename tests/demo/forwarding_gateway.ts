/**
 * A minimal gateway for the demo: adds a token and forwards, with the faults that the demo must detect.
 */
import { type LoopbackServer, serveOnLoopback } from "../../src/demo/loopback_server.ts";
import type { DemoConfiguration } from "../../src/demo/run_demo.ts";

/** Faults of the gateway. */
export interface GatewayFaults {
  /** Requests a token for every request. */
  readonly keepsNoToken?: boolean;
  /** Answers in place of the store. */
  readonly answer?: (method: string, path: string) => Response | undefined;
  /** Changes the responses of the store. */
  readonly change?: (
    method: string,
    path: string,
    response: Response,
  ) => Response | Promise<Response>;
}

interface Server {
  readonly Url: string;
  readonly TokenEndpoint: string;
  readonly ClientId: string;
  readonly ClientSecret: string;
  readonly Scope: string;
  readonly Audience: string;
}

/** Starts a gateway with the configuration of the demo. */
export function startForwardingGateway(
  { DicomWebOAuth: section }: DemoConfiguration,
  faults: GatewayFaults = {},
): LoopbackServer & { readonly url: string } {
  const server = (section["Servers"] as { readonly demo: Server }).demo;
  const { Port: port } = section["Listen"] as { readonly Port: number };
  let held: Promise<string> | undefined;

  async function acquire(): Promise<string> {
    const response = await fetch(server.TokenEndpoint, {
      method: "POST",
      headers: { Authorization: `Basic ${btoa(`${server.ClientId}:${server.ClientSecret}`)}` },
      body: new URLSearchParams({
        grant_type: "client_credentials",
        scope: server.Scope,
        audience: server.Audience,
      }),
    });
    return (await response.json()).access_token;
  }

  const running = serveOnLoopback(port, () => async (request) => {
    const { pathname, search } = new URL(request.url);
    const path = pathname.replace("/dicom-web/demo", "") + search;
    const answer = faults.answer?.(request.method, path);
    if (answer !== undefined) return answer;
    if (faults.keepsNoToken) held = undefined;
    const headers = new Headers(request.headers);
    headers.set("Authorization", `Bearer ${await (held ??= acquire())}`);
    headers.delete("host");
    const response = await fetch(server.Url + path, {
      method: request.method,
      headers,
      body: request.body,
    });
    return await faults.change?.(request.method, path, response) ?? response;
  });
  return { ...running, url: running.origin };
}
