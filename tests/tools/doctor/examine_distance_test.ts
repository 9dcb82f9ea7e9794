/**
 * What `doctor` says about the distance of a store. With processes: `tests/cli/doctor_test.ts`, near only,
 * since no relay of a user can delay the opening of a TCP connection.
 */
import assert from "node:assert/strict";
import type { Distance } from "../../../src/dicomweb/profile/profile.ts";
import { examineDistance, explainDistance } from "../../../src/tools/doctor/examine_distance.ts";

const KEY = "DicomWebOAuth.Servers.main.Distance";
const PROXY = "proxy.example:3128";

const CASES: readonly [
  distance: Distance,
  ms: number,
  proxy: string | undefined,
  outcome: string,
  message: RegExp,
  advice: RegExp,
][] = [
  ["near", 0.213, undefined, "ok", /^A round trip takes 0\.21 ms; the server is "near"\.$/, /^$/],
  ["near", 5, undefined, "ok", /takes 5 ms/, /^$/],
  ["near", 5.1, undefined, "warn", /takes 5\.1 ms: one connection carries little/, /to "far"/],
  ["near", 143.7, undefined, "warn", /takes 140 ms: one connection/, /Distance to "far"/],
  ["far", 143.7, undefined, "ok", /takes 140 ms; the server is "far"\.$/, /^$/],
  ["far", 1, undefined, "ok", /takes 1 ms/, /^$/],
  ["far", 0.9, undefined, "warn", /takes 0\.9 ms, and the server is "far"/, /Distance to "near"/],
  // The store may be anywhere behind a proxy that is near, but not nearer than the proxy.
  ["far", 0.2, PROXY, "ok", /to the proxy proxy\.example:3128 takes 0\.2 ms.*cannot be/, /^$/],
  ["near", 0.2, PROXY, "ok", /to the proxy proxy\.example:3128 takes 0\.2 ms.*cannot be/, /^$/],
  ["near", 20, PROXY, "warn", /to the proxy proxy\.example:3128 takes 20 ms/, /to "far"/],
];
for (const [distance, ms, proxy, outcome, message, advice] of CASES) {
  const where = proxy === undefined ? "" : " to the proxy";
  Deno.test(`explainDistance: ${ms} ms${where}, ${distance}: ${outcome}`, () => {
    const found = explainDistance("store.example:443", ms, { distance, key: KEY, proxy });
    assert.equal(found.outcome, outcome);
    assert.match(found.message, message);
    assert.match(found.advice.join(" "), advice);
    if (outcome === "warn") assert.match(found.advice[0]!, /^Set DicomWebOAuth\.Servers\.main\./);
    assert.equal(found.details["proxy"], proxy ?? null);
  });
}

Deno.test("examineDistance: a store that no longer accepts connections is reported as not measured", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  const contact = {
    address: `127.0.0.1:${port}`,
    host: "127.0.0.1",
    port,
    tls: false,
    proxied: false,
    purpose: "store",
    neededBy: "main",
    possible: false,
  } as const;
  const found = await examineDistance(contact, { distance: "near", key: KEY, proxy: undefined });
  assert.equal(found.outcome, "skipped");
  assert.match(found.message, /^Not tested: .*refused/i);
});
