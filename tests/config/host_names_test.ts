import assert from "node:assert/strict";
import { isHost, isLoopback } from "../../src/config/host_names.ts";

const hosts: readonly (readonly [host: string, is: boolean])[] = [
  ["store", true],
  ["store_1.hospital.example", true],
  ["store.example.", true],
  ["10.0.0.1", true],
  ["fd00::7", true],
  ["[fd00::7]", true],
  ["", false],
  ["*", false],
  ["*.example", false],
  ["a..b", false],
  ["-a", false],
  ["a".repeat(64), false],
  [":::", false],
  ["fd00::7%eth0", false],
  ["a b", false],
];

for (const [host, is] of hosts) {
  Deno.test(`isHost: ${host} is ${is ? "one host" : "none"}`, () => {
    assert.equal(isHost(host), is);
  });
}

const loopback: readonly (readonly [host: string, is: boolean])[] = [
  ["127.0.0.1", true],
  ["127.9.9.9", true],
  ["::1", true],
  ["[::1]", true],
  ["LOCALHOST", true],
  ["0.0.0.0", false],
  ["::", false],
  ["127.0.0.1.example", false],
  ["localhost.example", false],
  ["10.127.0.0", false],
  ["0", false],
];

for (const [host, is] of loopback) {
  Deno.test(`isLoopback: ${host} is ${is ? "this machine" : "not this machine"}`, () => {
    assert.equal(isLoopback(host), is);
  });
}
