/**
 * Passes messages between the client's WebSocket and the store's until either closes. A side that does
 * not read makes the other side's messages pile up: beyond a bound both are closed.
 *
 * @module
 */

/** Most that may wait to be sent to a side that does not read. An event report is about 1 KiB. */
const MAX_WAITING_BYTES = 1024 * 1024;

/** Closes a side for a reason that has no code of its own (RFC 6455, section 7.4.2: private use). */
const OTHER_SIDE_FAILED = 4000;

/** What a WebSocket carries. */
export type WebSocketMessage = string | ArrayBuffer;

/** Joins the two sides. The store's may speak before the client's is there. */
export class WebSocketRelay {
  #early: WebSocketMessage[] | undefined = [];
  #earlyBytes = 0;
  #client: WebSocket | undefined;
  #store: WebSocket | undefined;

  /** Takes a message of the store, from the first on. */
  readonly fromStore = (message: WebSocketMessage): void => {
    if (this.#early === undefined) return this.#pass(message, this.#client);
    this.#earlyBytes += sizeOf(message);
    if (this.#earlyBytes > MAX_WAITING_BYTES) return this.#giveUp();
    this.#early.push(message);
  };

  /**
   * Joins two sockets.
   *
   * @param client The client's, opening.
   * @param store The store's, open; its messages go to {@linkcode fromStore}.
   */
  join(client: WebSocket, store: WebSocket): void {
    this.#client = client;
    this.#store = store;
    client.binaryType = "arraybuffer";
    client.onmessage = ({ data }) => this.#pass(data, store);
    client.onclose = ({ code, reason }) => close(store, code, reason);
    store.onclose = ({ code, reason }) => close(client, code, reason);
    for (const socket of [client, store]) socket.onerror = (event) => event.preventDefault();
    client.onopen = () => {
      for (const message of this.#early ?? []) client.send(message);
      this.#early = undefined;
      if (store.readyState === store.CLOSED) close(client, OTHER_SIDE_FAILED, "");
    };
  }

  #pass(message: WebSocketMessage, to: WebSocket | undefined): void {
    if (to === undefined || to.readyState !== to.OPEN) return;
    if (to.bufferedAmount + sizeOf(message) > MAX_WAITING_BYTES) this.#giveUp();
    else to.send(message);
  }

  #giveUp(): void {
    for (const socket of [this.#client, this.#store]) {
      if (socket) close(socket, OTHER_SIDE_FAILED, "the messages were not read");
    }
  }
}

function sizeOf(message: WebSocketMessage): number {
  return typeof message === "string" ? message.length : message.byteLength;
}

/** Scripts may send 1000 and the codes from 3000 on, and no others (WebSockets Standard). */
function close(socket: WebSocket, code: number, reason: string): void {
  if (socket.readyState === socket.CLOSED || socket.readyState === socket.CLOSING) return;
  if (code === 1000 || code >= 3000) socket.close(code, reason);
  else socket.close(OTHER_SIDE_FAILED, `the other side closed with ${code}`);
}
