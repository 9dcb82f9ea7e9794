import assert from "node:assert/strict";
import {
  hostAndPort,
  isHost,
  isInternal,
  isLoopback,
  isNearby,
  isPlaintext,
} from "../../src/config/values/host_names.ts";

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

const nearby: readonly (readonly [host: string, is: boolean])[] = [
  ["localhost", true],
  ["10.1.2.3", true],
  ["172.16.0.1", true],
  ["172.31.255.1", true],
  ["172.32.0.1", false],
  ["192.168.0.9", true],
  ["192.169.0.9", false],
  ["169.254.1.1", true],
  ["8.8.8.8", false],
  ["[fd00::7]", true],
  ["[fe80::1]", true],
  ["[2001:db8::1]", false],
  ["10.1.2.3.example", false],
  ["fd00.example", false],
  ["store", false],
];

for (const [host, is] of nearby) {
  Deno.test(`isNearby: ${host} is ${is ? "near" : "possibly far"}`, () => {
    assert.equal(isNearby(host), is);
  });
}

const plaintext: readonly (readonly [url: string | undefined, is: boolean])[] = [
  ["http://store.example/", true],
  ["http://192.168.7.1/", true],
  ["http://127.0.0.1.example/", true],
  ["https://store.example/", false],
  ["http://localhost:8080/", false],
  ["http://[::1]/", false],
  ["no URL", false],
  [undefined, false],
];

for (const [url, is] of plaintext) {
  Deno.test(`isPlaintext: ${url} is ${is ? "" : "not "}sent unencrypted to another machine`, () => {
    assert.equal(isPlaintext(url), is);
  });
}

const ports: readonly (readonly [url: string, hostAndPort: string])[] = [
  ["https://a.example/x", "a.example:443"],
  ["https://A.Example/x", "a.example:443"],
  ["http://a.example", "a.example:80"],
  ["http://[::1]/", "[::1]:80"],
  ["http://a.example:443", "a.example:443"],
  ["redis://u:p@A.example", "a.example:6379"],
  ["rediss://a.example:6380/1", "a.example:6380"],
  ["redis://[FD00::7]", "[fd00::7]:6379"],
  ["https://[::ffff:10.0.0.1]:1", "[::ffff:a00:1]:1"],
];

for (const [url, expected] of ports) {
  Deno.test(`hostAndPort: ${url} is at ${expected}`, () => {
    assert.equal(hostAndPort(url), expected);
  });
}

const internal: readonly (readonly [host: string, is: boolean])[] = [
  ["orthanc", true],
  ["store_backend", true],
  ["localhost", true],
  ["10.1.2.3", true],
  ["[::1]", true],
  ["[fd00::7]", true],
  ["orthanc.internal", true],
  ["ORTHANC.PACS.SVC.CLUSTER.LOCAL", true],
  ["orthanc.pacs.svc", true],
  ["pacs.localhost", true],
  ["store.example", false],
  ["pacs.hospital.local", false],
  ["internal.example", false],
  ["notinternal", true],
  ["x.notinternal", false],
  ["203.0.113.5", false],
  ["[2001:db8::1]", false],
  ["", false],
  ["example.", false],
];

for (const [host, is] of internal) {
  Deno.test(`isInternal: ${host} means something ${is ? "in one network only" : "elsewhere, too"}`, () => {
    assert.equal(isInternal(host), is);
  });
}
