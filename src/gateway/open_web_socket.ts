/**
 * Opens a client's WebSocket once that of the store is open. Rejects handshakes that the runtime could
 * not accept before it contacts the store.
 */
import type { Context } from "hono";
import { GatewayError } from "../errors/gateway_error.ts";
import type { ForwardRequest } from "../upstream/forward_request.ts";
import type { Store } from "../upstream/store.ts";
import type { GatewayEnv } from "./gateway_env.ts";

/** 16 bytes in base64 (RFC 6455, section 4.1). */
const KEY = /^[A-Za-z0-9+/]{22}==$/;

/**
 * Opens both sides. Sets `socketClosed`.
 *
 * @returns The response to the handshake, which must not be modified.
 * @throws {GatewayError} NET-005 for an invalid handshake, and whatever `Store.openWebSocket` throws.
 */
export async function openWebSocket(
  store: Store,
  forward: ForwardRequest,
  c: Context<GatewayEnv>,
): Promise<Response> {
  const { request } = forward;
  if (!isHandshake(request.headers)) {
    throw new GatewayError(
      "NET-005",
      "Cannot open a WebSocket: headers that RFC 6455 requires are missing; a proxy may have removed them",
      { server: store.name },
    );
  }
  const { response, closed } = await store.openWebSocket(
    forward,
    (protocol) => Deno.upgradeWebSocket(request, protocol === "" ? {} : { protocol }),
  );
  c.set("socketClosed", closed);
  return response;
}

function isHandshake(headers: Headers): boolean {
  const connection = headers.get("connection")?.toLowerCase().split(",") ?? [];
  return connection.some((option) => option.trim() === "upgrade") &&
    KEY.test(headers.get("sec-websocket-key") ?? "") &&
    headers.get("sec-websocket-version") === "13";
}
