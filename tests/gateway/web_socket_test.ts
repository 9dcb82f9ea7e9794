import assert from "node:assert/strict";
import type { ServerConfig } from "../../src/config/gateway_config.ts";
import { profiles } from "../../src/dicomweb/profile.ts";
import { createApp } from "../../src/gateway/app.ts";
import { authority, HttpClient } from "../../src/network/http_client.ts";
import { ClientAddress } from "../../src/gateway/client_address.ts";
import { PublicAddress } from "../../src/gateway/public_address.ts";
import { createMetrics } from "../../src/telemetry/metrics.ts";
import { Deadlines } from "../../src/upstream/deadlines.ts";
import { Store } from "../../src/upstream/store.ts";
import { within } from "../fixtures/deadline.ts";
import { NEVER_AGAIN } from "../fixtures/never_again.ts";
import { MemoryLogger } from "../fixtures/memory_logger.ts";

interface Handshake {
  readonly path: string;
  readonly headers: Headers;
}

/** A store that accepts WebSockets with the right token and echoes; `bye` makes it close. */
function startStore(handshakes: Handshake[]) {
  return Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, (request) => {
    handshakes.push({ path: new URL(request.url).pathname, headers: request.headers });
    if (request.headers.get("authorization") !== "Bearer token") {
      return new Response(null, { status: 401 });
    }
    const protocol = request.headers.get("sec-websocket-protocol")?.split(",")[0];
    const { socket, response } = Deno.upgradeWebSocket(
      request,
      protocol === undefined ? {} : { protocol },
    );
    socket.onopen = () => socket.send("welcome");
    socket.onmessage = ({ data }) =>
      data === "bye" ? socket.close(3001, "as you wish") : socket.send(data);
    return response;
  });
}

async function withGateway(
  token: string,
  use: (url: string, handshakes: Handshake[]) => Promise<void>,
): Promise<void> {
  const handshakes: Handshake[] = [];
  const origin = startStore(handshakes);
  const url = `http://127.0.0.1:${origin.addr.port}/dicom-web`;
  const http = new HttpClient({ allowlist: new Set([authority(url)]) });
  const store = new Store({
    config: {
      name: "main",
      url,
      profile: profiles.generic,
      timeouts: { headersMs: 5_000, transferMs: 5_000, tokenMs: 5_000 },
      storeResilience: NEVER_AGAIN,
    } as ServerConfig,
    authorizer: {
      authorize: () => ({ headers: { authorization: `Bearer ${token}` } }),
    } as unknown as Store["authorizer"],
    http,
    deadlines: new Deadlines(),
    logger: new MemoryLogger(),
    userAgent: "dicomweb-gateway/test",
  });
  const app = createApp({
    stores: new Map([["main", store]]),
    version: "1.2.3",
    metrics: createMetrics(),
    metricsText: () => Promise.resolve(""),
    address: new PublicAddress(undefined, []),
    clientAddress: new ClientAddress([]),
    checkReadiness: () => Promise.resolve(),
    announceRevocation: () => {},
    logger: new MemoryLogger(),
    now: Date.now,
    cors: { allowedOrigins: ["https://viewer.example"] },
  });
  const gateway = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    (request, info) => app.fetch(request, info),
  );
  try {
    await use(`ws://127.0.0.1:${gateway.addr.port}`, handshakes);
  } finally {
    await gateway.shutdown();
    await origin.shutdown();
    http.close();
  }
}

/** The messages and the end of a socket. */
function watch(socket: WebSocket) {
  const messages: string[] = [];
  const closed = Promise.withResolvers<CloseEvent>();
  socket.onmessage = ({ data }) =>
    messages.push(typeof data === "string" ? data : `${data.byteLength} bytes`);
  socket.onclose = (event) => closed.resolve(event);
  socket.onerror = (event) => event.preventDefault();
  socket.binaryType = "arraybuffer";
  return {
    messages,
    closed: within(5_000, "the socket to close", closed.promise),
    async until(count: number) {
      while (messages.length < count) await new Promise((resolve) => setTimeout(resolve, 5));
    },
  };
}

Deno.test("WebSocket: messages pass both ways, signed at the store, and its close reaches the client", async () => {
  await withGateway("token", async (url, handshakes) => {
    const socket = new WebSocket(`${url}/dicom-web/main/subscribers/ORTHANC`, ["dicom", "other"]);
    const seen = watch(socket);
    await seen.until(1);
    socket.send("event");
    socket.send(new Uint8Array(70_000));
    await seen.until(3);
    assert.deepEqual(seen.messages, ["welcome", "event", "70000 bytes"]);
    assert.equal(socket.protocol, "dicom");
    socket.send("bye");
    const { code, reason } = await seen.closed;
    assert.equal(code, 3001);
    assert.equal(reason, "as you wish");
    assert.equal(handshakes[0]?.path, "/dicom-web/subscribers/ORTHANC");
    assert.equal(handshakes[0]?.headers.get("authorization"), "Bearer token");
    assert.match(handshakes[0]?.headers.get("x-request-id") ?? "", /./);
  });
});

Deno.test("WebSocket: a client that leaves ends the store's side too", async () => {
  await withGateway("token", async (url) => {
    const socket = new WebSocket(`${url}/dicom-web/main/subscribers/ORTHANC`);
    const seen = watch(socket);
    await seen.until(1);
    socket.close(1000);
    assert.equal((await seen.closed).code, 1000);
    // The store's shutdown, after this, waits for its sockets: it would hang if one were open.
  });
});

Deno.test("WebSocket: a store that refuses the handshake makes the client's fail", async () => {
  await withGateway("wrong", async (url, handshakes) => {
    const seen = watch(new WebSocket(`${url}/dicom-web/main/subscribers/ORTHANC`));
    assert.notEqual((await seen.closed).code, 1000);
    assert.equal(handshakes.length, 1);
  });
});

Deno.test("WebSocket: a page of an origin that is not configured is refused before the store hears of it", async () => {
  await withGateway("token", async (url, handshakes) => {
    for (const [origin, status] of [["https://evil.example", 403], ["null", 403]] as const) {
      const response = await fetch(`${url.replace("ws", "http")}/dicom-web/main/subscribers/A`, {
        headers: {
          origin,
          upgrade: "websocket",
          connection: "upgrade",
          "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
          "sec-websocket-version": "13",
        },
      });
      assert.equal(response.status, status);
      assert.equal((await response.json()).error_code, "AUTH-004");
    }
    assert.equal(handshakes.length, 0);
    const allowed = new WebSocket(`${url}/dicom-web/main/subscribers/A`, {
      headers: { origin: "https://viewer.example" },
    });
    const seen = watch(allowed);
    await seen.until(1);
    allowed.close();
    await seen.closed;
  });
});
