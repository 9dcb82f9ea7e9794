/**
 * Deno's own OpenTelemetry shows one trace from the client through the gateway to the token
 * endpoint and to the store. A stand-in for the collector receives OTLP over HTTP in JSON
 * (OpenTelemetry Protocol 1.0) and keeps the spans.
 */
import assert from "node:assert/strict";
import { startGateway } from "../fixtures/gateway_process.ts";
import { serveLoopback } from "../fixtures/listening.ts";

const CLIENT_TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const CLIENT_SPAN = "00f067aa0ba902b7";
const TRACEPARENT = `00-${CLIENT_TRACE}-${CLIENT_SPAN}-01`;

interface Span {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string;
  readonly name: string;
}

interface Seen {
  readonly path: string;
  readonly traceparent: string | null;
}

async function withParts(
  run: (parts: {
    readonly section: Record<string, unknown>;
    readonly collector: string;
    readonly spans: readonly Span[];
    readonly seen: readonly Seen[];
  }) => Promise<void>,
): Promise<void> {
  const spans: Span[] = [];
  const seen: Seen[] = [];
  const collector = serveLoopback(async (request) => {
    const body = await request.text();
    if (request.url.endsWith("/v1/traces")) {
      for (const { scopeSpans } of JSON.parse(body).resourceSpans) {
        for (const scope of scopeSpans) spans.push(...scope.spans);
      }
    }
    return Response.json({});
  });
  const other = serveLoopback(async (request) => {
    await request.bytes();
    const path = new URL(request.url).pathname;
    seen.push({ path, traceparent: request.headers.get("traceparent") });
    return path === "/token"
      ? Response.json({ access_token: "abc", token_type: "Bearer", expires_in: 3600 })
      : Response.json([]);
  });
  const base = other.url;
  try {
    await run({
      spans,
      seen,
      collector: collector.url,
      section: {
        Servers: {
          main: {
            Url: `${base}/dicom-web`,
            TokenEndpoint: `${base}/token`,
            ClientId: "gateway",
            ClientSecret: "secret",
          },
        },
      },
    });
  } finally {
    await other.shutdown();
    await collector.shutdown();
  }
}

async function search(url: string, traceparent: string): Promise<void> {
  const client = Deno.createHttpClient({});
  const response = await fetch(`${url}/dicom-web/main/studies`, {
    client,
    headers: { traceparent, tracestate: "vendor=1" },
  });
  await response.bytes();
  client.close();
  assert.equal(response.status, 200);
}

Deno.test("Tracing: one trace from the client to the token endpoint and the store", () =>
  withParts(async ({ section, collector, spans, seen }) => {
    await using gateway = await startGateway(section, {
      env: {
        OTEL_DENO: "true",
        OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
        OTEL_EXPORTER_OTLP_ENDPOINT: collector,
        OTEL_BSP_SCHEDULE_DELAY: "100",
      },
    });
    await search(gateway.url, TRACEPARENT);
    const ofClient = () => spans.filter(({ traceId }) => traceId === CLIENT_TRACE);
    for (let tries = 0; ofClient().length < 3; tries++) {
      assert(tries < 200, `only ${ofClient().length} spans arrived`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    const served = ofClient().find(({ parentSpanId }) => parentSpanId === CLIENT_SPAN);
    const sent = ofClient().filter(({ parentSpanId }) => parentSpanId === served?.spanId);
    assert.deepEqual(sent.map(({ name }) => name).toSorted(), ["GET", "POST"]);
    const traced = seen.filter(({ traceparent }) => traceparent !== null);
    assert.deepEqual(traced.map(({ path }) => path), ["/token", "/dicom-web/studies"]);
    for (const { traceparent } of traced) {
      const [, trace, span] = traceparent!.split("-");
      assert.equal(trace, CLIENT_TRACE);
      assert(
        sent.some(({ spanId }) => spanId === span),
        `${traceparent} is no span of the gateway`,
      );
    }
  }));

Deno.test("Tracing: without it a client's valid trace is forwarded unchanged, a forged one is not", () =>
  withParts(async ({ section, seen }) => {
    await using gateway = await startGateway(section);
    await search(gateway.url, TRACEPARENT);
    await search(gateway.url, "00-forged");
    const traced = seen.filter(({ path }) => path === "/dicom-web/studies");
    assert.deepEqual(traced.map(({ traceparent }) => traceparent), [TRACEPARENT, null]);
  }));
