/**
 * The gateway with a store and an identity provider that can fail in any way, and a check that it has
 * released everything afterwards.
 */
import assert from "node:assert/strict";
import { within } from "../fixtures/deadline.ts";
import { type GatewayProcess, startGateway } from "../fixtures/gateway_process.ts";
import { type RawAnswer, RawClient } from "../fixtures/raw_client.ts";
import { STORED_REPORT } from "../fixtures/stow_request.ts";
import { type RawExchange, type RawOrigin, startRawOrigin } from "../fixtures/raw_origin.ts";

/** What the client receives: the status, the code if the gateway itself answered, and the body. */
export interface Seen {
  readonly status: number;
  readonly code: string | undefined;
  readonly retryAfter: string | undefined;
  /** `cut` if the transfer failed. */
  readonly body: string;
}

export interface FaultBench extends AsyncDisposable {
  readonly gateway: GatewayProcess;
  readonly store: RawOrigin;
  readonly provider: RawOrigin;
  /**
   * Sends a request over a new connection.
   *
   * @param upload Content-Length of a body that is sent until a response arrives.
   */
  ask(server: string, upload?: number): Promise<Seen>;
  /** Waits until the gateway has released everything that it held for requests. */
  untilSettled(): Promise<void>;
}

/** Timeout for the store's headers and for a token. */
export const SHORT_SECONDS = 1;
/** Concurrency limit of the server `narrow`. */
export const NARROW_PLACES = 8;
/** Timeout of a transfer. */
export const TRANSFER_SECONDS = 2;
const LIMIT_MS = 15_000;
const SETTLE_LIMIT_MS = 5_000;
const PIECE = new Uint8Array(256 * 1024);

/** A store without faults. */
export async function healthy(exchange: RawExchange): Promise<void> {
  for await (const _ of exchange.body());
  await exchange.answer(200, exchange.method === "POST" ? STORED_REPORT : "served");
}

/** @param signed Names of servers that need a token, each its own. */
export async function startFaultBench(signed: readonly string[]): Promise<FaultBench> {
  const store = startRawOrigin(healthy);
  const provider = startRawOrigin(healthy);
  const closed = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const refusing = `http://127.0.0.1:${closed.addr.port}`;
  closed.close();
  const Timeouts = {
    HeadersSeconds: SHORT_SECONDS,
    TransferSeconds: TRANSFER_SECONDS,
    TokenSeconds: SHORT_SECONDS,
  };
  const once = { ProviderType: "none", Timeouts, StoreResilience: { RetryMaxAttempts: 1 } };
  const oauth = {
    Url: store.url,
    ClientId: "gateway",
    ClientSecret: "secret",
    Timeouts,
    ResilienceConfig: { RetryMaxAttempts: 1 },
  };
  const gateway = await startGateway({
    // Deno KV would open a socket of its own with the first token.
    TokenCache: { Backend: "memory" },
    Servers: {
      once: { ...once, Url: store.url },
      watched: { ...once, Url: store.url, Timeouts: { ...Timeouts, IdleSeconds: SHORT_SECONDS } },
      "watched-for-long": {
        ...once,
        Url: store.url,
        Timeouts: { ...Timeouts, IdleSeconds: 60 },
      },
      "watched-for-uploads": {
        ...once,
        Url: store.url,
        Timeouts: { ...Timeouts, TransferSeconds: 60, IdleSeconds: SHORT_SECONDS },
      },
      narrow: {
        ...once,
        Url: store.url,
        StoreResilience: {
          RetryMaxAttempts: 1,
          MaxConcurrentRequests: NARROW_PLACES,
          MaxQueuedRequests: 4,
          QueueSeconds: 1,
        },
      },
      refusing: { ...once, Url: refusing },
      again: { ProviderType: "none", Url: store.url, Timeouts: { ...Timeouts, HeadersSeconds: 5 } },
      "refusing-provider": { ...oauth, TokenEndpoint: `${refusing}/token` },
      ...Object.fromEntries(
        signed.map((name) => [name, { ...oauth, TokenEndpoint: `${provider.url}/token` }]),
      ),
    },
  });

  const bench: FaultBench = {
    gateway,
    store,
    provider,
    ask: (server, upload) => within(LIMIT_MS, server, ask(gateway.url, server, upload)),
    async untilSettled() {
      store.dropConnections();
      provider.dropConnections();
      const deadline = Date.now() + SETTLE_LIMIT_MS;
      for (;;) {
        const state = { sockets: sockets(gateway.pid), inFlight: await inFlight(gateway.url) };
        // The listener, and the runtime's own.
        if (state.sockets <= idleSockets && state.inFlight === 0) return;
        assert.ok(
          Date.now() < deadline,
          `left behind: ${JSON.stringify({ idleSockets, ...state })}`,
        );
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    },
    async [Symbol.asyncDispose]() {
      await gateway[Symbol.asyncDispose]();
      await store.close();
      await provider.close();
    },
  };
  await bench.ask("once");
  store.dropConnections();
  await new Promise((resolve) => setTimeout(resolve, 200));
  const idleSockets = sockets(gateway.pid);
  return bench;
}

async function ask(gateway: string, server: string, upload = 0): Promise<Seen> {
  using client = await RawClient.connect(gateway);
  const target = `/dicom-web/${server}/studies`;
  if (upload === 0) await client.write(client.head("GET", target, { connection: "close" }));
  else {
    await client.write(client.head("POST", target, { "content-length": String(upload) }));
    void sendPieces(client, upload);
  }
  let answer: RawAnswer;
  try {
    answer = await client.answer();
  } catch {
    // A body that fails before the headers are sent discards them.
    return { status: 0, code: undefined, retryAfter: undefined, body: "cut" };
  }
  const decoder = new TextDecoder();
  let body = "";
  try {
    for await (const piece of answer.body) body += decoder.decode(piece, { stream: true });
  } catch {
    body = "cut";
  }
  const isProblem = answer.headers.get("content-type") === "application/problem+json";
  return {
    status: answer.status,
    code: isProblem ? JSON.parse(body).error_code : undefined,
    retryAfter: answer.headers.get("retry-after") ?? undefined,
    body: isProblem ? "" : body,
  };
}

async function sendPieces(client: RawClient, bytes: number): Promise<void> {
  try {
    for (let left = bytes; left > 0; left -= PIECE.length) {
      await client.write(PIECE.subarray(0, Math.min(left, PIECE.length)));
    }
  } catch {
    // The gateway has answered and closed the connection.
  }
}

/** Open sockets of a process (Linux). */
function sockets(pid: number): number {
  let count = 0;
  for (const { name } of Deno.readDirSync(`/proc/${pid}/fd`)) {
    try {
      if (Deno.readLinkSync(`/proc/${pid}/fd/${name}`).startsWith("socket:")) count++;
    } catch {
      // Closed meanwhile.
    }
  }
  return count;
}

/** Requests in progress, by the gateway's metrics; over a connection that is then closed. */
async function inFlight(url: string): Promise<number> {
  using client = await RawClient.connect(url);
  await client.write(client.head("GET", "/dicomweb-oauth/metrics", { connection: "close" }));
  let text = "";
  const decoder = new TextDecoder();
  for await (const piece of (await client.answer()).body) {
    text += decoder.decode(piece, { stream: true });
  }
  const values = [...text.matchAll(/^dicomweb_oauth_store_requests_in_flight\{.*\} (\d+)$/gm)];
  assert.ok(values.length > 0, text);
  return values.reduce((sum, [, value]) => sum + Number(value), 0);
}
