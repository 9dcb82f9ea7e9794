/**
 * The OpenTelemetry span of a request that the runtime's `fetch` does not send, with the attributes that
 * `fetch` records (semantic conventions for HTTP clients), so that a trace continues at the store.
 */

export interface ClientSpan {
  /** The header for the store (W3C Trace Context, section 3.2). */
  readonly traceparent: string;
  /** @param outcome The status, or what was thrown. */
  end(outcome: number | Error): void;
}

// deno-lint-ignore no-explicit-any
let tracer: any;

/** Whether the runtime exports traces: it registers itself under the symbol of OpenTelemetry's API. */
function isTracing(): boolean {
  // deno-lint-ignore no-explicit-any
  return (globalThis as any)[Symbol.for("opentelemetry.js.api.1")]?.trace !== undefined;
}

/** Begins a span; undefined if the runtime exports none. */
export function startClientSpan(method: string, url: URL): ClientSpan | undefined {
  if (!isTracing()) return undefined;
  tracer ??= Deno.telemetry.tracerProvider.getTracer("dicomweb-gateway");
  const span = tracer.startSpan(method, {
    kind: 2,
    attributes: {
      "http.request.method": method,
      "url.full": url.href,
      "url.scheme": url.protocol.slice(0, -1),
      "url.path": url.pathname,
      "url.query": url.search.slice(1),
    },
  });
  const { traceId, spanId, traceFlags } = span.spanContext();
  return {
    traceparent: `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, "0")}`,
    end(outcome) {
      if (typeof outcome === "number") {
        span.setAttribute("http.response.status_code", String(outcome));
        if (outcome >= 400) span.setStatus({ code: 2 });
      } else {
        span.setAttribute("error.type", outcome.name);
        span.setStatus({ code: 2, message: outcome.message });
      }
      span.end();
    },
  };
}
