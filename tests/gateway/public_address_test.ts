import assert from "node:assert/strict";
import { PublicAddress } from "../../src/gateway/public_address.ts";
import { MemoryLogger } from "../fixtures/memory_logger.ts";

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

type Row = [
  what: string,
  url: string,
  isLogged: boolean,
  options?: { publicUrl?: string; proxies?: string[]; port?: number },
];

/** Which clients are logged that send `Host` without the port, at a gateway on 8043. */
const ROWS: Row[] = [
  ["the port", "http://gateway:8043/dicom-web/a", false],
  ["another port (port mapping)", "http://gateway:9000/dicom-web/a", false],
  ["no port", "http://gateway/dicom-web/a", true],
  ["no port over TLS", "https://gateway/dicom-web/a", true],
  ["no port, IPv6", "http://[::1]/dicom-web/a", true],
  ["no port, to a gateway on port 80", "http://gateway/dicom-web/a", false, { port: 80 }],
  ["no port, to a gateway on port 443", "https://gateway/dicom-web/a", false, { port: 443 }],
  ["no port over TLS, to a gateway on port 80", "https://gateway/dicom-web/a", true, { port: 80 }],
  ["no port, to a gateway on any free port", "http://gateway/dicom-web/a", true, { port: 0 }],
  ["no port, where PublicUrl is set", "http://gateway/dicom-web/a", false, {
    publicUrl: "http://gateway:8043",
  }],
  ["no port, from a trusted proxy", "http://gateway/dicom-web/a", false, {
    proxies: ["127.0.0.1"],
  }],
];

for (const [what, url, isLogged, { publicUrl, proxies = [], port = 8043 } = {}] of ROWS) {
  Deno.test(`PublicAddress: a client that sends ${what} (${url}) is ${isLogged ? "logged" : "not logged"}`, () => {
    const logger = new MemoryLogger();
    const address = new PublicAddress(publicUrl, proxies, { port, logger });
    address.of(new Request(url), "127.0.0.1");
    assert.equal(logger.lines.length, isLogged ? 1 : 0);
  });
}

Deno.test("PublicAddress: clients that send no port are logged once, whatever hosts they invent", () => {
  const logger = new MemoryLogger();
  const address = new PublicAddress(undefined, [], { port: 8043, logger });
  for (let count = 0; count < 1000; count++) {
    address.of(new Request(`http://host-${count}/dicom-web/a`), undefined);
  }
  assert.deepEqual(logger.lines, [{
    level: "warn",
    message:
      "A client sends Host without a port; URLs in responses lead to the default port. Set PublicUrl " +
      "to the URL that clients use",
    fields: { public_url: "http://host-0" },
  }]);
});
