/**
 * Passes messages between the client's WebSocket and the store's until either closes. Both are closed if
 * one side does not read and too many bytes wait for it.
 */

/** Bytes that may wait for a side that does not read. An event report is about 1 KiB. */
const MAX_WAITING_BYTES = 1024 * 1024;

/** Close code for reasons that have none (RFC 6455, section 7.4.2: private use). */
const OTHER_SIDE_FAILED = 4000;

/** Close code for a message of a client that must not send any. */
const ONE_WAY = 4001;

/** After this time, a store's side that was closed counts as closed (RFC 6455, section 7.1.1). */
const CLOSE_GRACE_MS = 10_000;

type WebSocketMessage = string | ArrayBuffer;

/** Joins the two sides. The store may send before the client's side is open. */
export class WebSocketRelay {
  readonly #isOneWay: boolean;
  #early: WebSocketMessage[] | undefined = [];
  #earlyBytes = 0;
  #client: WebSocket | undefined;
  #store: WebSocket | undefined;

  /**
   * @param options.isOneWay Whether only the store may send messages, as with event reports (PS3.18,
   * section 8.10.4): what a client sends at a read-only server could change something.
   */
  constructor({ isOneWay = false }: { readonly isOneWay?: boolean | undefined } = {}) {
    this.#isOneWay = isOneWay;
  }

  /** Receives the messages of the store, from the first on. */
  readonly fromStore = (message: WebSocketMessage): void => {
    if (this.#early === undefined) return this.#pass(message, this.#client);
    this.#earlyBytes += sizeOf(message);
    if (this.#earlyBytes > MAX_WAITING_BYTES) return this.#giveUp();
    this.#early.push(message);
  };

  /**
   * Joins the client's socket and the open one of the store, whose messages go to {@linkcode fromStore}.
   *
   * @returns Settles when both are closed, or the client's is and the store takes too long.
   */
  join(client: WebSocket, store: WebSocket): Promise<void> {
    this.#client = client;
    this.#store = store;
    client.binaryType = "arraybuffer";
    client.onmessage = ({ data }) => {
      if (this.#isOneWay) this.#giveUp(ONE_WAY, "the server is read-only");
      else this.#pass(data, store);
    };
    client.onclose = ({ code, reason }) => close(store, code, reason);
    store.onclose = ({ code, reason }) => close(client, code, reason);
    for (const socket of [client, store]) socket.onerror = (event) => event.preventDefault();
    client.onopen = () => {
      for (const message of this.#early ?? []) client.send(message);
      this.#early = undefined;
      if (store.readyState === store.CLOSED) close(client, OTHER_SIDE_FAILED, "");
    };
    return areClosed(client, store);
  }

  #pass(message: WebSocketMessage, to: WebSocket | undefined): void {
    if (to === undefined || to.readyState !== to.OPEN) return;
    if (to.bufferedAmount + sizeOf(message) > MAX_WAITING_BYTES) this.#giveUp();
    else to.send(message);
  }

  #giveUp(code: number = OTHER_SIDE_FAILED, reason = "the messages were not read"): void {
    for (const socket of [this.#client, this.#store]) {
      if (socket) close(socket, code, reason);
    }
  }
}

async function areClosed(client: WebSocket, store: WebSocket): Promise<void> {
  await whenClosed(client);
  const { promise: isLate, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, CLOSE_GRACE_MS);
  await Promise.race([whenClosed(store), isLate]);
  clearTimeout(timer);
}

function whenClosed(socket: WebSocket): Promise<void> {
  if (socket.readyState === socket.CLOSED) return Promise.resolve();
  return new Promise((resolve) =>
    socket.addEventListener("close", () => resolve(), { once: true })
  );
}

function sizeOf(message: WebSocketMessage): number {
  return typeof message === "string" ? message.length : message.byteLength;
}

/** Scripts may send only 1000 and the codes from 3000 on (WebSockets Standard). */
function close(socket: WebSocket, code: number, reason: string): void {
  if (socket.readyState === socket.CLOSED || socket.readyState === socket.CLOSING) return;
  if (code === 1000 || code >= 3000) socket.close(code, reason);
  else socket.close(OTHER_SIDE_FAILED, `the other side closed with ${code}`);
}
