import assert from "node:assert/strict";
import { ClientAddress, clientNetwork } from "../../src/gateway/client_address.ts";

const addresses = new ClientAddress(["10.0.0.1", "10.0.1.0/24", "fd00::/8"]);

/** Peer and headers → the client. */
const rows: readonly [peer: string, headers: Record<string, string>, client: string][] = [
  // Headers count only from trusted proxies.
  ["192.0.2.7", {}, "192.0.2.7"],
  ["192.0.2.7", { "X-Forwarded-For": "198.51.100.1" }, "192.0.2.7"],
  ["192.0.2.7", { Forwarded: "for=198.51.100.1" }, "192.0.2.7"],
  ["10.0.0.2", { "X-Forwarded-For": "198.51.100.1" }, "10.0.0.2"],
  // Trusted proxies wrote the end of the list.
  ["10.0.0.1", {}, "10.0.0.1"],
  ["10.0.0.1", { "X-Forwarded-For": "198.51.100.1" }, "198.51.100.1"],
  ["10.0.0.1", { "X-Forwarded-For": "127.0.0.1, 198.51.100.1" }, "198.51.100.1"],
  ["10.0.0.1", { "X-Forwarded-For": "1.1.1.1, 198.51.100.1, 10.0.1.9" }, "198.51.100.1"],
  ["10.0.0.1", { "X-Forwarded-For": "10.0.1.8, 10.0.1.9" }, "10.0.1.8"],
  ["fd00::1", { "X-Forwarded-For": "2001:db8::5" }, "2001:db8::5"],
  ["::ffff:10.0.0.1", { "X-Forwarded-For": "198.51.100.1" }, "198.51.100.1"],
  // Anything but an address ends the search.
  ["10.0.0.1", { "X-Forwarded-For": "198.51.100.1, unknown" }, "10.0.0.1"],
  ["10.0.0.1", { "X-Forwarded-For": "198.51.100.1, x, 10.0.1.9" }, "10.0.1.9"],
  ["10.0.0.1", { "X-Forwarded-For": "" }, "10.0.0.1"],
  ["10.0.0.1", { "X-Forwarded-For": ",,," }, "10.0.0.1"],
  // Ports, as some load balancers write them.
  ["10.0.0.1", { "X-Forwarded-For": "198.51.100.1:4711" }, "198.51.100.1"],
  ["10.0.0.1", { "X-Forwarded-For": "[2001:db8::5]:4711" }, "2001:db8::5"],
  // RFC 7239.
  ["10.0.0.1", { Forwarded: "for=198.51.100.1;proto=https" }, "198.51.100.1"],
  ["10.0.0.1", { Forwarded: 'proto=https;For="[2001:db8::5]:4711"' }, "2001:db8::5"],
  ["10.0.0.1", { Forwarded: "for=1.1.1.1, for=198.51.100.1, for=10.0.1.9" }, "198.51.100.1"],
  ["10.0.0.1", { Forwarded: "for=_hidden" }, "10.0.0.1"],
  // Both: the proxy wrote one of them, unknown which.
  [
    "10.0.0.1",
    { "X-Forwarded-For": "198.51.100.1", Forwarded: "for=198.51.100.1" },
    "198.51.100.1",
  ],
  ["10.0.0.1", { "X-Forwarded-For": "198.51.100.1", Forwarded: "for=203.0.113.9" }, "10.0.0.1"],
];

for (const [peer, headers, client] of rows) {
  Deno.test(`ClientAddress: ${JSON.stringify(headers)} of ${peer} is ${client}`, () => {
    assert.equal(addresses.of(new Headers(headers), peer), client);
  });
}

Deno.test("ClientAddress: headers count only with trusted proxies and a known peer", () => {
  const headers = new Headers({ "X-Forwarded-For": "198.51.100.1" });
  assert.equal(new ClientAddress([]).of(headers, "10.0.0.1"), "10.0.0.1");
  assert.equal(addresses.of(headers, undefined), "unknown");
});

Deno.test("ClientAddress: a chain of proxies is followed up to a limit", () => {
  const chain = Array(10_000).fill("10.0.1.9").join(",");
  const headers = new Headers({ "X-Forwarded-For": `198.51.100.1,${chain}` });
  assert.equal(addresses.of(headers, "10.0.0.1"), "10.0.1.9");
});

/** Address → network that counts as one client. */
const networks: readonly [address: string, network: string][] = [
  ["198.51.100.1", "198.51.100.1"],
  ["::ffff:198.51.100.1", "198.51.100.1"],
  ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2"],
  ["2001:DB8:1:2::", "2001:db8:1:2"],
  ["2001:db8::1", "2001:db8:0:0"],
  ["::1", "0:0:0:0"],
  ["fe80::1%eth0", "fe80:0:0:0"],
  ["unknown", "unknown"],
];

for (const [address, network] of networks) {
  Deno.test(`clientNetwork: ${address} counts as ${network}`, () => {
    assert.equal(clientNetwork(address), network);
  });
}
