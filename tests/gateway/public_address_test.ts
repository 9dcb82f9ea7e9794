import assert from "node:assert/strict";
import { PublicAddress } from "../../src/gateway/public_address.ts";

function request(url: string, headers: HeadersInit = {}): Request {
  return new Request(url, { headers });
}

const FORWARDED = {
  forwarded: "host=pacs.example;proto=https",
  "x-forwarded-host": "evil.example",
};

Deno.test("PublicAddress: PublicUrl settles the matter", () => {
  const address = new PublicAddress("https://gateway.example", ["0.0.0.0/0"]);
  assert.equal(
    address.of(request("http://10.0.0.1:8043/dicom-web/a", FORWARDED), "10.0.0.2"),
    "https://gateway.example",
  );
});

Deno.test("PublicAddress: without one it is the host that the client called", () => {
  const address = new PublicAddress(undefined, []);
  assert.equal(
    address.of(request("http://pacs.local:8043/dicom-web/a"), "10.0.0.2"),
    "http://pacs.local:8043",
  );
});

Deno.test("PublicAddress: forwarding headers count from trusted proxies only", () => {
  const address = new PublicAddress(undefined, ["10.1.0.0/16", "fd00::1"]);
  const inner = request("http://gateway:8043/dicom-web/a", FORWARDED);
  assert.equal(address.of(inner, "10.1.2.3"), "https://pacs.example");
  assert.equal(address.of(inner, "fd00::1"), "https://pacs.example");
  assert.equal(address.of(inner, "10.2.0.1"), "http://gateway:8043");
  assert.equal(address.of(inner, undefined), "http://gateway:8043");
});

Deno.test("PublicAddress: hosts that clients make up are not all remembered, and still answered", () => {
  const address = new PublicAddress(undefined, []);
  for (let count = 0; count < 1000; count++) {
    assert.equal(
      address.of(request(`http://host-${count}/dicom-web/a`), undefined),
      `http://host-${count}`,
    );
  }
});
