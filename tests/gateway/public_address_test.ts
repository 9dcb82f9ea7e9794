import assert from "node:assert/strict";
import { PublicAddress } from "../../src/gateway/public_address.ts";

const FORWARDED = new Request("http://gateway:8043/dicom-web/a", {
  headers: { forwarded: "host=pacs.example;proto=https", "x-forwarded-host": "evil.example" },
});

Deno.test("PublicAddress: PublicUrl overrides the request", () => {
  const address = new PublicAddress("https://gateway.example", ["0.0.0.0/0"]);
  assert.equal(address.of(FORWARDED, "10.0.0.2"), "https://gateway.example");
});

Deno.test("PublicAddress: forwarding headers count from trusted proxies only", () => {
  const address = new PublicAddress(undefined, ["10.1.0.0/16", "fd00::1"]);
  assert.equal(address.of(FORWARDED, "10.2.0.1"), "http://gateway:8043");
  assert.equal(address.of(FORWARDED, undefined), "http://gateway:8043");
  assert.equal(address.of(FORWARDED, "10.1.2.3"), "https://pacs.example");
  assert.equal(address.of(FORWARDED, "fd00::1"), "https://pacs.example");
  assert.equal(address.of(FORWARDED, "10.2.0.1"), "http://gateway:8043");
  assert.equal(new PublicAddress(undefined, []).of(FORWARDED, "10.1.2.3"), "http://gateway:8043");
});

Deno.test("PublicAddress: any number of hosts is answered", () => {
  const address = new PublicAddress(undefined, []);
  for (let count = 0; count < 1000; count++) {
    const host = `http://host-${count}`;
    assert.equal(address.of(new Request(`${host}/dicom-web/a`), undefined), host);
  }
});
