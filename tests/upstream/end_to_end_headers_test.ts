import assert from "node:assert/strict";
import { requestHeaders, responseHeaders } from "../../src/upstream/end_to_end_headers.ts";

Deno.test("requestHeaders: what a DICOMweb client says passes", () => {
  const headers = requestHeaders(
    new Headers({
      accept: 'multipart/related; type="application/dicom"',
      "content-type": "multipart/related; boundary=x",
      "content-length": "12",
      "if-none-match": '"1"',
      range: "bytes=0-99",
      "x-vendor": "kept",
    }),
  );
  assert.deepEqual([...headers.keys()].sort(), [
    "accept",
    "content-length",
    "content-type",
    "if-none-match",
    "range",
    "x-vendor",
  ]);
});

Deno.test("requestHeaders: the client's credentials and what proxies said stop at the gateway", () => {
  const headers = requestHeaders(
    new Headers({
      authorization: "Basic secret",
      cookie: "session=1",
      "proxy-authorization": "Basic secret",
      forwarded: "for=10.0.0.1",
      "x-forwarded-for": "10.0.0.1",
      "x-forwarded-host": "evil.example",
      "x-http-method-override": "DELETE",
      "x-real-ip": "10.0.0.1",
      via: "1.1 proxy",
      host: "gateway:8043",
      expect: "100-continue",
    }),
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
      "transfer-encoding": "chunked",
      upgrade: "h2c",
      "x-hop": "1",
      "content-length": "5",
    }),
  );
  assert.deepEqual([...headers.keys()], ["content-length"]);
});

Deno.test("requestHeaders: a Connection header that is no list of names does no harm", () => {
  const headers = requestHeaders(new Headers({ connection: "close, ;;, a b, ", accept: "*/*" }));
  assert.deepEqual([...headers.keys()], ["accept"]);
});

Deno.test("responseHeaders: what the store says passes, cookies included, but for its connection and its CORS", () => {
  const upstream = new Headers({
    connection: "close",
    "transfer-encoding": "chunked",
    etag: '"1"',
    "content-type": "application/dicom+json",
    "access-control-allow-origin": "*",
    "access-control-allow-credentials": "true",
  });
  upstream.append("set-cookie", "a=1");
  upstream.append("set-cookie", "b=2");
  const headers = responseHeaders(upstream);
  assert.deepEqual(headers.getSetCookie(), ["a=1", "b=2"]);
  assert.equal(headers.get("etag"), '"1"');
  assert.equal(headers.has("connection"), false);
  assert.equal(headers.has("transfer-encoding"), false);
  assert.equal(headers.has("access-control-allow-origin"), false);
  assert.equal(headers.has("access-control-allow-credentials"), false);
  assert.equal(upstream.has("connection"), true, "the store's own headers are not changed");
});
