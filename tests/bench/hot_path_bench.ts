/**
 * The cost of the parts of every request: `deno task bench`.
 */
import { ByteSink } from "../../src/dicomweb/urls/byte_rewriter.ts";
import { JsonUrlRewriter } from "../../src/dicomweb/urls/json_url_rewriter.ts";
import { normaliseAccept } from "../../src/dicomweb/media_type/accept.ts";
import { profiles } from "../../src/dicomweb/profile/profile.ts";
import { findTargetFault } from "../../src/dicomweb/transaction/store_path.ts";
import { classify } from "../../src/dicomweb/transaction/transaction.ts";
import { createUrlMap } from "../../src/dicomweb/urls/url_map.ts";
import { createMetrics } from "../../src/telemetry/metrics.ts";
import { Deadlines } from "../../src/upstream/deadlines.ts";
import { compressionFor } from "../../src/upstream/compress_answer.ts";
import { requestHeaders, responseHeaders } from "../../src/upstream/end_to_end_headers.ts";
import { searchAnswer } from "./messages.ts";

const STORE = "https://store.example/v2";
const TARGET = "/studies/1.2.826.0.1/series?Modality=CT&limit=10";
const { toGateway } = createUrlMap({
  storeBase: STORE,
  gatewayBase: "http://gateway:8043/dicom-web/main",
});
const answer = searchAnswer(STORE);
const transaction = classify("GET", TARGET);
const inbound = new Headers({
  accept: "application/dicom+json",
  "accept-encoding": "gzip",
  authorization: "Basic Zm9v",
  connection: "keep-alive",
  host: "gateway:8043",
  "user-agent": "client",
});
const outbound = new Headers({
  "content-type": "application/dicom+json",
  "content-length": "2800",
  date: "Thu, 01 Jan 2026 00:00:00 GMT",
  server: "store",
});
const { transferDuration } = createMetrics();
const deadlines = new Deadlines();

Deno.bench("check a target", () => {
  findTargetFault(TARGET);
});

Deno.bench("classify a request", () => {
  classify("GET", TARGET);
});

Deno.bench("normalise Accept", () => {
  normaliseAccept(transaction, "application/dicom+json", profiles.azure);
});

Deno.bench("filter a request's headers", () => {
  requestHeaders(inbound);
});

Deno.bench("filter an answer's headers", () => {
  responseHeaders(outbound);
});

const unasked = new Request("http://gateway:8043/");
const answered = responseHeaders(outbound);

Deno.bench("decide not to compress an answer", () => {
  compressionFor(unasked, { status: 200, headers: answered, bytes: 2800 });
});

Deno.bench("rewrite the URLs of a small search", () => {
  const sink = new ByteSink();
  const rewriter = new JsonUrlRewriter(toGateway, { resource: TARGET });
  rewriter.push(answer, sink);
  rewriter.finish(sink);
  sink.take();
});

Deno.bench("observe a duration", () => {
  transferDuration.labels("main", "complete").observe(0.01);
});

Deno.bench("begin and end an exchange", () => {
  deadlines.end(deadlines.begin(1000, "a bench"));
});
