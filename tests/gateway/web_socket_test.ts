import { roomInMemory, someMemory } from "../fixtures/holding_room.ts";
import assert from "node:assert/strict";
import type { StoreResilienceConfig } from "../../src/config/keys/store_resilience.ts";
import type { Right } from "../../src/config/inbound/permissions.ts";
import { AccessRules } from "../../src/gateway/steps/access_rules.ts";
import { Activity } from "../../src/gateway/account/activity.ts";
import { hostAndPort } from "../../src/config/values/host_names.ts";
import { HttpClient } from "../../src/network/http_client.ts";
import { createMetrics } from "../../src/telemetry/metrics.ts";
import { Deadlines } from "../../src/upstream/deadlines.ts";
import { Store } from "../../src/upstream/store.ts";
import { within } from "../fixtures/deadline.ts";
import { NEVER_RETRY, parsedServer } from "../fixtures/parsed_server.ts";
import { MemoryLogger } from "../fixtures/memory_logger.ts";
import { RawClient } from "../fixtures/raw_client.ts";
import { gatewayApp } from "./gateway_app.ts";

const HANDSHAKE = {
  "upgrade": "websocket",
  "connection": "upgrade",
  "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
  "sec-websocket-version": "13",
};

interface Handshake {
  readonly path: string;
  readonly search: string;
  readonly headers: Headers;
}

/** A store that accepts WebSockets with the right token and echoes; `bye` makes it close. */
function startStore(handshakes: Handshake[]) {
  return Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (request) => {
    const { pathname, search } = new URL(request.url);
    handshakes.push({ path: pathname, search, headers: request.headers });
    if (request.headers.get("authorization") !== "Bearer token") {
      return new Response(null, { status: 401 });
    }
    if (request.url.endsWith("/BROKEN")) return new Response(null, { status: 503 });
    if (request.url.endsWith("/SLOW")) await new Promise((resolve) => setTimeout(resolve, 100));
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

interface GatewayOptions {
  /** The tokens sent to the store, one after the other; then always the last one. */
  readonly tokens?: readonly string[];
  readonly maxConcurrent?: number;
  readonly circuitBreaker?: StoreResilienceConfig["circuitBreaker"];
  /** A read-only server, for a client with these rights, or for everyone. */
  readonly readOnly?: readonly Right[] | "everyone";
}

interface RunningGateway {
  /** Its `ws:` URL. */
  readonly url: string;
  readonly handshakes: Handshake[];
  readonly activity: Activity;
  /** Statuses with which the store rejected a token. */
  readonly refusals: number[];
  /** @returns A line of the metrics. */
  metric(start: string): Promise<string | undefined>;
}

async function withGateway(
  { tokens = ["token"], maxConcurrent, circuitBreaker, readOnly }: GatewayOptions,
  use: (gateway: RunningGateway) => Promise<void>,
): Promise<void> {
  const handshakes: Handshake[] = [];
  const refusals: number[] = [];
  const origin = startStore(handshakes);
  const url = `http://127.0.0.1:${origin.addr.port}/dicom-web`;
  const http = new HttpClient({ allowlist: new Set([hostAndPort(url)]) });
  const metrics = createMetrics();
  const activity = new Activity(Date.now);
  const store = new Store({
    config: {
      ...await parsedServer({
        Url: url,
        Timeouts: { HeadersSeconds: 5, TransferSeconds: 5, TokenSeconds: 5 },
      }),
      storeResilience: {
        ...NEVER_RETRY,
        circuitBreaker,
        ...(maxConcurrent && { maxConcurrent, maxQueued: 0 }),
      },
      readOnly: readOnly !== undefined,
    },
    authorizer: {
      authorize: () => {
        const token = tokens[Math.min(refusals.length, tokens.length - 1)];
        return { headers: { authorization: `Bearer ${token}` } };
      },
      invalidate: (_: unknown, { status }: Response) => {
        refusals.push(status);
        return Promise.resolve(true);
      },
    } as unknown as Store["authorizer"],
    http,
    metrics,
    deadlines: new Deadlines(),
    room: roomInMemory(),
    readAhead: someMemory(),
    logger: new MemoryLogger(),
    userAgent: "dicomweb-gateway/test",
  });
  const app = gatewayApp({
    stores: new Map([["main", store]]),
    activity,
    metrics,
    ...(readOnly !== undefined && {
      access: new AccessRules({
        permissions: readOnly === "everyone"
          ? undefined
          : [{ subjects: ["*"], servers: ["main"], rights: readOnly }],
        servers: ["main"],
        readOnly: new Set(["main"]),
      }),
    }),
    now: Date.now,
    cors: { allowedOrigins: ["https://viewer.example"] },
  });
  const gateway = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    (request, info) => app.fetch(request, info),
  );
  try {
    await use({
      url: `ws://127.0.0.1:${gateway.addr.port}`,
      handshakes,
      activity,
      refusals,
      async metric(start) {
        for (const prepare of metrics.beforeRead) await prepare();
        return (await metrics.registry.metrics()).split("\n").find((line) =>
          line.startsWith(`dicomweb_oauth_${start}`)
        );
      },
    });
  } finally {
    await gateway.shutdown();
    await origin.shutdown();
    http.close();
  }
}

/** Collects the messages and the close event of a socket. */
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

/** The response to a rejected handshake. */
async function refusedHandshake(
  url: string,
  target: string,
): Promise<{ status: number; error_code: string; message: string }> {
  const response = await fetch(`${url.replace("ws", "http")}/dicom-web/main${target}`, {
    headers: HANDSHAKE,
  });
  const { error_code, message }: Record<"error_code" | "message", string> = await response.json();
  return { status: response.status, error_code, message };
}

/** Waits until the other side of a connection has noticed a change. */
async function eventually(check: () => Promise<void>): Promise<void> {
  for (let tries = 0;; tries++) {
    try {
      return await check();
    } catch (error) {
      if (tries === 200) throw error;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }
}

Deno.test("WebSocket: messages pass both ways with the store's credential, and its close reaches the client", async () => {
  await withGateway({}, async ({ url, handshakes }) => {
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

Deno.test("WebSocket: the store receives no origin, credential or token of the client", async () => {
  await withGateway({}, async ({ url, handshakes }) => {
    const socket = new WebSocket(`${url}/dicom-web/main/subscribers/A?access_token=secret&b=%2f`, {
      headers: {
        authorization: "Basic secret",
        cookie: "session=1",
        origin: "https://viewer.example",
        referer: "https://viewer.example/",
        "sec-fetch-site": "same-origin",
        "x-remote-user": "admin",
        "msdicom-request-original": "true",
      },
    });
    const seen = watch(socket);
    await seen.until(1);
    socket.close();
    await seen.closed;
    const [{ headers }] = handshakes as [Handshake];
    assert.equal(headers.get("authorization"), "Bearer token");
    assert.equal(headers.get("msdicom-request-original"), "true");
    for (const name of ["cookie", "origin", "referer", "sec-fetch-site", "x-remote-user"]) {
      assert.equal(headers.get(name), null, name);
    }
    assert.equal(handshakes[0]?.search, "?b=%2f");
  });
});

Deno.test("WebSocket: closing the client's side closes the store's", async () => {
  await withGateway({}, async ({ url }) => {
    const socket = new WebSocket(`${url}/dicom-web/main/subscribers/ORTHANC`);
    const seen = watch(socket);
    await seen.until(1);
    socket.close(1000);
    assert.equal((await seen.closed).code, 1000);
    // The store's shutdown afterwards would wait for an open socket.
  });
});

Deno.test("WebSocket: a handshake that the store rejects fails with the store's status", async () => {
  await withGateway({ tokens: ["wrong"] }, async ({ url, handshakes, refusals }) => {
    const { status, error_code, message } = await refusedHandshake(url, "/subscribers/VIEWER");
    assert.deepEqual([status, error_code], [401, "NET-002"]);
    assert.match(message, /server "main" answered the handshake with 401/);
    // Retried once with a new token.
    assert.equal(handshakes.length, 2);
    assert.deepEqual(refusals, [401]);
  });
});

Deno.test("WebSocket: a token that the store rejects is discarded, and the handshake retried with a new one", async () => {
  await withGateway({ tokens: ["old", "token"] }, async ({ url, handshakes, refusals }) => {
    const socket = new WebSocket(`${url}/dicom-web/main/subscribers/VIEWER`);
    const seen = watch(socket);
    await seen.until(1);
    assert.deepEqual(refusals, [401]);
    const shown = handshakes.map(({ headers }) => headers.get("authorization"));
    assert.deepEqual(shown, ["Bearer old", "Bearer token"]);
    socket.close();
    await seen.closed;
  });
});

Deno.test("WebSocket: it counts as a transfer and in the metrics until it is closed", async () => {
  await withGateway({}, async ({ url, activity, metric }) => {
    const socket = new WebSocket(`${url}/dicom-web/main/subscribers/VIEWER`);
    const seen = watch(socket);
    await seen.until(1);
    const [transfer] = activity.oldest();
    assert.equal(transfer?.transaction.name, "open-notification-channel");
    assert.equal(activity.underWay, 1);
    const inFlight = 'store_requests_in_flight{server="main"}';
    assert.match(await metric(inFlight) ?? "", / 1$/);
    const duration = 'transfer_duration_seconds_count{server="main",outcome="complete"}';
    assert.equal(await metric(duration), undefined);
    socket.close();
    await seen.closed;
    await eventually(async () => {
      assert.equal(activity.underWay, 0);
      assert.match(await metric(inFlight) ?? "", / 0$/);
      assert.match(await metric(duration) ?? "", / 1$/);
    });
  });
});

Deno.test("WebSocket: a quarter of a store's concurrency limit is for WebSockets, and closing one frees its slot", async () => {
  await withGateway({ maxConcurrent: 8 }, async ({ url }) => {
    const open = () => {
      const socket = new WebSocket(`${url}/dicom-web/main/subscribers/VIEWER`);
      return { socket, seen: watch(socket) };
    };
    const opened = [open(), open()];
    for (const { seen } of opened) await seen.until(1);
    const { status, error_code, message } = await refusedHandshake(url, "/subscribers/VIEWER");
    assert.deepEqual([status, error_code], [503, "NET-011"]);
    assert.match(message, /2 WebSockets to server "main"/);
    opened[0]!.socket.close();
    await opened[0]!.seen.closed;
    await eventually(async () => {
      const again = open();
      await again.seen.until(1);
      opened.push(again);
    });
    for (const { socket } of opened) socket.close();
    for (const { seen } of opened) await seen.closed;
  });
});

Deno.test("WebSocket: failed handshakes open the circuit breaker like other requests", async () => {
  const circuitBreaker = { failureThreshold: 3, timeoutMs: 60_000 };
  await withGateway({ circuitBreaker }, async ({ url, handshakes }) => {
    for (let round = 0; round < 3; round++) {
      const { status, error_code } = await refusedHandshake(url, "/subscribers/BROKEN");
      assert.deepEqual([status, error_code], [503, "NET-002"]);
    }
    const { status, error_code } = await refusedHandshake(url, "/subscribers/VIEWER");
    assert.deepEqual([status, error_code], [503, "NET-010"]);
    assert.equal(handshakes.length, 3);
  });
});

Deno.test("WebSocket: an invalid handshake is rejected before the store receives it", async () => {
  await withGateway({}, async ({ url, handshakes, activity }) => {
    const { "sec-websocket-key": _, ...keyless } = HANDSHAKE;
    const invalid: Record<string, string>[] = [
      keyless,
      { ...HANDSHAKE, "sec-websocket-key": "" },
      { ...HANDSHAKE, "sec-websocket-key": "c2hvcnQ=" },
      { ...HANDSHAKE, "sec-websocket-version": "8" },
      { ...HANDSHAKE, connection: "keep-alive" },
    ];
    for (const headers of invalid) {
      using client = await RawClient.connect(url.replace("ws", "http"));
      await client.write(client.head("GET", "/dicom-web/main/subscribers/VIEWER", headers));
      const { status, body } = await client.answer();
      const text = new TextDecoder().decode(
        new Uint8Array((await Array.fromAsync(body)).flatMap((piece) => [...piece])),
      );
      assert.deepEqual([status, JSON.parse(text).error_code], [400, "NET-005"]);
    }
    assert.deepEqual([handshakes.length, activity.underWay], [0, 0]);
  });
});

Deno.test("WebSocket: a client that disconnects during the handshake frees its slot", async () => {
  await withGateway({ maxConcurrent: 1 }, async ({ url, handshakes, activity, metric }) => {
    for (let round = 1; round <= 5; round++) {
      using client = await RawClient.connect(url.replace("ws", "http"));
      await client.write(client.head("GET", "/dicom-web/main/subscribers/SLOW", HANDSHAKE));
      while (handshakes.length < round) await new Promise((resolve) => setTimeout(resolve, 5));
      client[Symbol.dispose]();
      await eventually(async () => {
        assert.equal(activity.underWay, 0);
        assert.match(await metric('store_requests_in_flight{server="main"}') ?? "", / 0$/);
      });
    }
  });
});

Deno.test("WebSocket: rejected for a read-only server unless a permission allows it", async () => {
  for (const readOnly of ["everyone", ["query", "retrieve", "unknown"]] as const) {
    await withGateway({ readOnly }, async ({ url, handshakes }) => {
      for (const target of ["/subscribers/VIEWER", "", "/studies", "/studies/1.2"]) {
        const { status, error_code } = await refusedHandshake(url, target);
        assert.deepEqual([status, error_code], [403, "AUTH-007"], target);
      }
      assert.equal(handshakes.length, 0);
    });
  }
});

Deno.test("WebSocket: only the store may send on that of a read-only server", async () => {
  await withGateway({ readOnly: ["worklist"] }, async ({ url, handshakes }) => {
    const socket = new WebSocket(`${url}/dicom-web/main/subscribers/VIEWER`);
    const seen = watch(socket);
    await seen.until(1);
    assert.deepEqual(seen.messages, ["welcome"]);
    socket.send("change something");
    const { code, reason } = await seen.closed;
    assert.deepEqual([code, reason], [4001, "the server is read-only"]);
    assert.deepEqual(seen.messages, ["welcome"], "the store would have echoed what it got");
    assert.equal(handshakes.length, 1);
    assert.equal((await refusedHandshake(url, "/studies")).status, 403);
  });
});

Deno.test("WebSocket: pages of other origins are rejected before the store receives the handshake", async () => {
  await withGateway({}, async ({ url, handshakes }) => {
    for (const [origin, status] of [["https://evil.example", 403], ["null", 403]] as const) {
      const response = await fetch(`${url.replace("ws", "http")}/dicom-web/main/subscribers/A`, {
        headers: { ...HANDSHAKE, origin },
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
