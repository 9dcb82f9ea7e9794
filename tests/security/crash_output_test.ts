/**
 * No secret is written when a worker crashes or fails unexpectedly, even if the error itself contains one.
 */
import assert from "node:assert/strict";
import { OPENSSL } from "../fixtures/certificate_authority.ts";
import { within } from "../fixtures/deadline.ts";
import { startGateway } from "../fixtures/gateway_process.ts";
import { needing } from "../fixtures/installed_tool.ts";
import { assertNoLeaks, learn, LIMIT_MS, type Parts, Responses, withParts } from "./leak_bench.ts";
import { markedServers } from "./marked_servers.ts";

Deno.test(needing(OPENSSL, {
  name: "Crashes and unexpected errors never reveal a secret",
  fn: () => within(LIMIT_MS, "all crashes", withParts(crashInEveryWay)),
}));

async function crashInEveryWay(parts: Parts): Promise<void> {
  const { secrets } = parts;
  const { servers, env } = await markedServers(parts);
  const Servers = Object.fromEntries([...servers].map(([name, { keys }]) => [name, keys]));
  await using gateway = await startGateway({ LogLevel: "DEBUG", Servers }, {
    env,
    isFaulty: true,
    isUnready: true,
  });
  const responses = new Responses();
  const ask = async () => {
    for (const [name, { works }] of servers) {
      if (works) assert.equal(await responses.askServer(gateway, name), 200, name);
    }
  };
  await ask();
  const authorization = `Bearer ${secrets.make("a client's token")}`;
  for (const fault of ["rejection", "rejection-of-anything", "handler", "crash"]) {
    await responses.ask(`${gateway.url}/fault/${fault}`, { headers: { authorization } });
  }
  await gateway.until(/Worker crashed; restarting it/);
  await gateway.untilReady();
  await ask();
  await responses.askPages(gateway);
  await gateway.stop("SIGKILL");
  const output = gateway.output();
  learn(parts);
  assertNoLeaks(parts, `${output}\n${responses}`);
  assert.equal(output.match(/Unhandled error; please report it/g)?.length, 2);
  assert.equal(
    output.match(/Unhandled error while serving a request; please report it/g)?.length,
    1,
  );
  assert(output.includes("injected_faults.ts:"), "the place of the crash is not reported");
}
