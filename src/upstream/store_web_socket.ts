/**
 * WebSockets to a store: the event reports of PS3.18, section 8.10.4. The client's side is accepted once
 * the store's is open.
 */
import type { ServerConfig } from "../config/keys/server.ts";
import { GatewayError } from "../errors/gateway_error.ts";
import { type HttpClient, RefusedHandshake } from "../network/http_client.ts";
import type { ConcurrencyLimit } from "./concurrency_limit.ts";
import type { RunningRequest } from "./running_request.ts";
import type { StoreClient } from "./store_client.ts";
import { WebSocketRelay } from "./web_socket_relay.ts";

/** The handshake of a client. */
export interface Handshake {
  /** Path below the store's base URL, and query. */
  readonly target: string;
  /** End-to-end headers. */
  readonly headers: Headers;
  /** The client's `Sec-WebSocket-Protocol`. */
  readonly offered: string | null;
  readonly running: RunningRequest;
}

export interface StoreWebSocketOptions {
  readonly client: Pick<StoreClient, "attempt">;
  readonly http: Pick<HttpClient, "openWebSocket">;
  readonly config: Pick<ServerConfig, "name" | "readOnly">;
  /** In each of them, the WebSocket takes a place until it is closed. */
  readonly limits: readonly ConcurrencyLimit[];
}

/** Accepts the client's handshake with the subprotocol that the store chose. */
export type Upgrade = (
  protocol: string,
) => { readonly socket: WebSocket; readonly response: Response };

/** The client's handshake, accepted. */
export interface OpenWebSocket {
  readonly response: Response;
  /** Settles when both sides are closed. */
  readonly closed: Promise<void>;
}

/**
 * @throws {GatewayError} NET-002 with the store's status when it refuses the handshake, NET-010 while the
 * circuit is open, NET-011 when too many are open, and whatever signing and connecting throw.
 * @throws The reason of the running request's signal when it aborts.
 */
export async function openStoreWebSocket(
  { target, headers, offered, running }: Handshake,
  options: StoreWebSocketOptions,
  upgrade: Upgrade,
): Promise<OpenWebSocket> {
  // The runtime writes its own, as it does the rest of the handshake (RFC 6455, section 4.1).
  headers.delete("user-agent");
  try {
    for (const limit of options.limits) await running.enter(limit);
    const relay = new WebSocketRelay({ isOneWay: options.config.readOnly });
    const store = await connect({ target, headers, offered, running }, options, relay);
    let accepted: ReturnType<Upgrade>;
    try {
      accepted = upgrade(store.protocol);
    } catch (error) {
      store.close();
      throw error;
    }
    const { socket, response } = accepted;
    const closed = relay.join(socket, store);
    closed.then(() => running.leave());
    return { response, closed };
  } catch (error) {
    running.leave();
    throw error;
  } finally {
    running.detach();
    running.stopClock();
  }
}

/** Opens the store's side. The circuit breaker counts it like a request: a refusal is a response. */
async function connect(
  { target, headers, offered, running: { signal } }: Handshake,
  { client, http, config }: StoreWebSocketOptions,
  relay: WebSocketRelay,
): Promise<WebSocket> {
  const protocols = (offered ?? "").split(",").map((protocol) => protocol.trim())
    .filter((protocol) => protocol !== "");
  let socket: WebSocket | undefined;
  const request = { method: "GET", target, headers, body: null, signal };
  const { status } = await client.attempt(request, async (url) => {
    try {
      const onMessage = relay.fromStore;
      socket = await http.openWebSocket(url, { protocols, headers, signal, onMessage });
      return new Response();
    } catch (error) {
      if (!(error instanceof RefusedHandshake)) throw error;
      return new Response(null, { status: error.status });
    }
  });
  if (socket !== undefined) return socket;
  throw new GatewayError(
    "NET-002",
    `Cannot open a WebSocket: server "${config.name}" answered the handshake with ${status}`,
    { server: config.name, ...(status >= 400 && { status }) },
  );
}
