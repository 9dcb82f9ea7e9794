import assert from "node:assert/strict";
import { IpNetworks } from "../../src/config/values/ip_networks.ts";

Deno.test("IpNetworks: addresses and networks of both families", () => {
  const networks = new IpNetworks(["10.1.0.0/16", "192.0.2.7", "fd00::/8", "::1"]);
  for (const address of ["10.1.255.1", "192.0.2.7", "fd12::1", "::1", "::ffff:10.1.0.9"]) {
    assert.equal(networks.has(address), true, address);
  }
  for (const address of ["10.2.0.1", "192.0.2.8", "fe80::1", "::2", "", "host", "10.1"]) {
    assert.equal(networks.has(address), false, address);
  }
});

Deno.test("IpNetworks rejects what is no address or network", () => {
  for (const network of ["", "host", "10.1", "/8"]) {
    assert.throws(() => new IpNetworks([network]), network);
  }
});
