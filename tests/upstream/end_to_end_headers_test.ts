import assert from "node:assert/strict";
import {
  answerHeaderList,
  PROTECTION,
  requestHeaders,
  responseHeaders,
} from "../../src/upstream/end_to_end_headers.ts";
import { PASSED_RESPONSE_HEADERS } from "../../src/upstream/passed_response_headers.ts";
import { STOPPED_REQUEST_HEADERS } from "../../src/upstream/stopped_request_headers.ts";

/** Request headers that clients of DICOMweb and of vendors' interfaces send, and why they must pass. */
const PASSED_REQUESTS: readonly [name: string, value: string, why: string][] = [
  ["accept", 'multipart/related; type="application/dicom"', "PS3.18, section 8.3.3"],
  ["accept-charset", "utf-8", "PS3.18, section 8.3.3"],
  ["accept-language", "de", "PS3.18, section 8.4.1"],
  ["cache-control", "no-cache", "RFC 9111, section 5.2"],
  ["content-disposition", "attachment", "RFC 6266"],
  ["content-encoding", "gzip", "a body that the client has compressed"],
  ["content-language", "de", "RFC 9110, section 8.5"],
  ["content-length", "12", "frames the body"],
  ["content-location", "https://gateway.example/1", "PS3.18, section 8.4.3"],
  ["content-md5", "x", "checked by some stores"],
  ["content-type", "multipart/related; boundary=x", "PS3.18, section 8.4.2"],
  ["digest", "sha-256=x", "RFC 3230"],
  ["if-match", '"1"', "RFC 9110, section 13.1"],
  ["if-modified-since", "Thu, 01 Jan 2026 00:00:00 GMT", "RFC 9110, section 13.1"],
  ["if-none-match", '"1"', "RFC 9110, section 13.1"],
  ["if-range", '"1"', "RFC 9110, section 13.1"],
  ["link", "<https://gateway.example/1>; rel=x", "RFC 8288"],
  ["msdicom-request-original", "true", "Azure: the instance before it was changed"],
  ["ocp-apim-subscription-key", "k", "Azure API Management, besides the token"],
  ["pragma", "no-cache", "RFC 9111, section 5.4"],
  ["prefer", "respond-async", "RFC 7240"],
  ["range", "bytes=0-99", "RFC 9110, section 14.2"],
  ["tracestate", "a=b", "W3C Trace Context"],
  ["user-agent", "client/1", "for the store's log"],
  ["x-api-key", "k", "some stores want one besides the token"],
  ["x-ms-client-request-id", "1", "Azure: correlation"],
  ["x-requested-with", "XMLHttpRequest", "keeps login pages away"],
  ["x-vendor", "kept", "vendors have headers of their own"],
];

/** Spellings beside the names of the table, of which each kind has more than any list. */
const STOPPED_REQUESTS: readonly string[] = [
  ...["authorization", "cookie", "cookie2", "proxy-authorization", "x-auth-token", "x-csrf-token"],
  ...["origin", "referer", "sec-fetch-site", "sec-ch-ua", "sec-websocket-key"],
  ...[
    "access-control-request-method",
    "access-control-request-headers",
    "upgrade-insecure-requests",
  ],
  ...["x-original-url", "x-rewrite-url", "x-original-uri", "x-envoy-original-path", "x-host"],
  ...["x-http-method", "x-http-method-override", "x-method-override", "x-http_method_override"],
  ...["http-method", "http-method-override", "method", "_method", "x_http_method_override"],
  ...["x-http-method.override", "x.http.method.override", "x-httpmethod-override"],
  ...["remote-user", "remote_user", "x-remote-user", "x_remote_user", "remote-groups"],
  ...["x-forwarded-user", "x-auth-request-email", "x-webauth-user", "x-ms-client-principal-name"],
  ...["x-amzn-oidc-identity", "x-goog-authenticated-user-email", "cf-access-jwt-assertion"],
  ...["impersonate-user", "oidc_claim_sub", "sm_user", "x-user-id", "from"],
  ...["x-goog-user-project", "x-goog-api-key", "x-goog-iam-authority-selector"],
  ...["x-amz-security-token", "x-amz-date", "x-amz-content-sha256", "x-amz-target"],
  ...["forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-forwarded-uri", "x-real-ip"],
  ...[
    "true-client-ip",
    "x-client-ip",
    "cf-connecting-ip",
    "x-cluster-client-ip",
    "x_forwarded_for",
  ],
  ...["x-forwarded-client-cert", "client-cert", "ssl-client-verify", "x-ssl-client-s-dn"],
  ...["x-arr-clientcert", "host", "expect", "max-forwards", "http2-settings", "te", "baggage"],
  ...[
    "proxy",
    "http-proxy",
    "referrer",
    "x-referer",
    "x-request-uri",
    "x-request-url",
    "x-full-url",
  ],
  ...["x-operation-override", "x-backend-host", "x-server-name", "sslclientcert", "x-admin"],
  ...["es-security-runas-user", "x-elastic-run-as-user", "run-as", "on-behalf-of", "x-act-as"],
  ...["auth-user", "user", "x-principal", "x-subject", "x-hasura-role", "x-is-admin"],
  ...["access-token", "id-token", "x-bearer-token", "set-cookie"],
  // Servers that make variables of header fields take these for the ones with hyphens.
  ...["content_length", "transfer_encoding", "content.type"],
  ...["metadata", "metadata-flavor", "x-aws-ec2-metadata-token", "x-identity-header"],
  ...["x-aws-ec2-metadata-token-ttl-seconds", "x-google-metadata-request"],
];

/** What a store says of itself as an origin, or to browsers, proxies and login clients. */
const STOPPED_ANSWERS: readonly string[] = [
  ...["set-cookie", "set-cookie2", "strict-transport-security", "alt-svc", "clear-site-data"],
  ...["refresh", "service-worker-allowed", "www-authenticate", "proxy-authenticate"],
  ...["authentication-info", "public-key-pins", "public-key-pins-report-only", "expect-ct"],
  ...["nel", "report-to", "reporting-endpoints", "content-security-policy"],
  ...["content-security-policy-report-only", "x-frame-options", "x-content-type-options"],
  ...["x-xss-protection", "cross-origin-resource-policy", "cross-origin-opener-policy"],
  ...["cross-origin-embedder-policy", "origin-agent-cluster", "permissions-policy"],
  ...["feature-policy", "referrer-policy", "document-policy", "accept-ch", "critical-ch"],
  ...["sourcemap", "x-sourcemap", "timing-allow-origin", "server-timing", "speculation-rules"],
  ...["supports-loading-mode", "activate-storage-access", "set-login", "x-dns-prefetch-control"],
  ...["access-control-allow-origin", "access-control-allow-credentials"],
  ...["access-control-allow-private-network", "access-control-expose-headers", "access-control-x"],
  ...["surrogate-control", "cdn-cache-control", "x-accel-redirect", "x-accel-buffering"],
  ...["x-sendfile", "x-robots-tag", "p3p", "server", "x-powered-by", "via", "proxy-status"],
  ...["ratelimit", "x-echo", "x-debug", "connection", "transfer-encoding", "keep-alive"],
  ...["upgrade", "trailer", "status", "x-unheard-of"],
];

for (const [name, value, why] of PASSED_REQUESTS) {
  Deno.test(`requestHeaders: ${name} passes (${why})`, () => {
    assert.equal(requestHeaders(new Headers({ [name]: value })).get(name), value);
  });
}

/** A name that a pattern of the table stands for. */
function exampleOf(pattern: string): string {
  return pattern.replaceAll("*", "x");
}

for (const { kind, names } of STOPPED_REQUEST_HEADERS) {
  Deno.test(`requestHeaders: ${kind}: stops at the gateway`, () => {
    for (const name of names.map(exampleOf)) {
      assert.deepEqual([...requestHeaders(new Headers({ [name]: "x" })).keys()], [], name);
    }
  });
}

Deno.test("requestHeaders: every spelling of what lends another identity, method or target stops", () => {
  for (const name of STOPPED_REQUESTS) {
    const headers = requestHeaders(new Headers({ accept: "*/*", [name]: "x" }));
    assert.deepEqual([...headers.keys()], ["accept"], name);
  }
});

Deno.test("requestHeaders: the client's credentials and what proxies said stop at the gateway", () => {
  const headers = requestHeaders(
    new Headers({
      authorization: "Basic secret",
      cookie: "session=1",
      "proxy-authorization": "Basic secret",
      forwarded: "for=10.0.0.1",
      "x-forwarded-for": "10.0.0.1",
      "x-hospital-key": "secret",
      via: "1.1 proxy",
    }),
    "X-Hospital-Key",
  );
  assert.deepEqual([...headers.keys()], []);
});

Deno.test("requestHeaders: what opens metadata services stops, should a store's name resolve to one", () => {
  const headers = requestHeaders(
    new Headers({
      metadata: "true",
      "metadata-flavor": "Google",
      "x-google-metadata-request": "True",
      "x-aws-ec2-metadata-token": "t",
      "x-aws-ec2-metadata-token-ttl-seconds": "60",
      "x-identity-header": "s",
    }),
  );
  assert.deepEqual([...headers.keys()], []);
});

Deno.test("requestHeaders: headers of the connection stop, and those that Connection names", () => {
  const headers = requestHeaders(
    new Headers({
      connection: "keep-alive, X-Hop, content-length",
      "keep-alive": "timeout=5",
      te: "trailers",
      trailer: "x-checksum",
      upgrade: "h2c",
      "x-hop": "1",
      "content-length": "5",
    }),
  );
  assert.deepEqual([...headers.keys()], ["content-length"]);
});

Deno.test("requestHeaders: a length beside chunks stops with them", () => {
  const both = new Headers({ "transfer-encoding": "chunked", "content-length": "5" });
  assert.deepEqual([...requestHeaders(both).keys()], []);
});

Deno.test("requestHeaders: a Connection header that is no list of names does no harm", () => {
  const headers = requestHeaders(new Headers({ connection: "close, ;;, a b, ", accept: "*/*" }));
  assert.deepEqual([...headers.keys()], ["accept"]);
});

Deno.test("requestHeaders: clients that make up names neither fill the memory nor change verdicts", () => {
  for (let count = 0; count < 2_000; count++) {
    const made = `x-made-up-${count}`;
    const headers = requestHeaders(new Headers({ [made]: "1", "remote-user": "x" }));
    assert.deepEqual([...headers.keys()], [made]);
  }
});

for (const { kind, names } of PASSED_RESPONSE_HEADERS) {
  Deno.test(`responseHeaders: ${kind}: passes`, () => {
    for (const name of names) {
      assert.match(name, /^[a-z0-9-]+$/, "an allowlist of names, not of patterns");
      const passed = responseHeaders(new Headers({ [name]: "x" })).get(name);
      assert.ok(passed?.split(", ").includes("x"), name);
    }
  });
}

Deno.test("responseHeaders: what a store says of itself as an origin stops, and whatever is not on the list", () => {
  for (const name of STOPPED_ANSWERS) {
    const headers = responseHeaders(new Headers([[name, "x"], ["content-type", "text/html"]]));
    assert.deepEqual(
      [...headers.keys()].toSorted(),
      ["cache-control", "content-type", "vary"],
      name,
    );
  }
});

Deno.test("responseHeaders: what Connection names stops, but not the length of the body", () => {
  const upstream = new Headers({
    connection: "close, etag, content-length",
    etag: '"1"',
    "content-length": "3",
    "last-modified": "Thu, 01 Jan 2026 00:00:00 GMT",
  });
  assert.deepEqual([...responseHeaders(upstream).keys()].toSorted(), [
    "cache-control",
    "content-length",
    "last-modified",
    "vary",
  ]);
  assert.equal(upstream.has("connection"), true, "the store's own headers are not changed");
});

/** A store's `Cache-Control` → the client's. */
const CACHE_CONTROLS: readonly [given: string | null, sent: string][] = [
  [null, "private"],
  ["", "private"],
  ["private", "private"],
  ["PRIVATE", "private"],
  ["public", "private"],
  ["public, max-age=3600", "private, max-age=3600"],
  ["Public,Max-Age=3600,S-MaxAge=9, s-maxage = 1", "private, Max-Age=3600"],
  ["no-store", "private, no-store"],
  ["no-cache, must-revalidate", "private, no-cache, must-revalidate"],
  ["must-revalidate", "private, must-revalidate"],
  ["proxy-revalidate, no-transform", "private, no-transform"],
  // Only for some fields is no answer to who may keep the rest (RFC 9111, section 5.2.2.7).
  ['private="set-cookie, x", max-age=1', "private, max-age=1"],
  ['no-cache="a, public", immutable', 'private, no-cache="a, public", immutable'],
  ['ext="a\\", public", max-age=1', 'private, ext="a\\", public", max-age=1'],
  [', ,public,, ="x"', 'private, ="x"'],
];

for (const [given, sent] of CACHE_CONTROLS) {
  Deno.test(`responseHeaders: Cache-Control: ${given} becomes ${sent}`, () => {
    const upstream = new Headers(given === null ? {} : { "cache-control": given });
    assert.equal(responseHeaders(upstream).get("cache-control"), sent);
  });
}

/** A store's `Vary` → the client's, where clients may authenticate by `X-API-Key`, too. */
const VARIES: readonly [given: string | null, sent: string][] = [
  [null, "Authorization, Cookie, Accept-Encoding, X-API-Key"],
  ["Accept", "Accept, Authorization, Cookie, Accept-Encoding, X-API-Key"],
  ["accept, Accept , ACCEPT-encoding", "accept, Authorization, Cookie, Accept-Encoding, X-API-Key"],
  ["authorization, x-api-key", "Authorization, Cookie, Accept-Encoding, X-API-Key"],
  // Origin stops at the gateway, which adds it itself where it answers by it.
  ["Origin, Access-Control-Request-Method", "Authorization, Cookie, Accept-Encoding, X-API-Key"],
  ["*", "*"],
  ["Accept, *", "*"],
];

for (const [given, sent] of VARIES) {
  Deno.test(`responseHeaders: Vary: ${given} becomes ${sent}`, () => {
    const upstream = new Headers(given === null ? {} : { vary: given });
    assert.equal(responseHeaders(upstream, "X-API-Key").get("vary"), sent);
  });
}

Deno.test("answerHeaderList: no store can send a header of the protection, or have it sent twice", () => {
  const upstream = new Headers(PROTECTION.map(([name]) => [name, "of the store"]));
  const list = answerHeaderList(responseHeaders(upstream));
  for (const [name, value] of PROTECTION) {
    assert.deepEqual(list.filter(([each]) => each === name), [[name, value]]);
  }
});
