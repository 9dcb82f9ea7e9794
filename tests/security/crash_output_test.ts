/**
 * Secrets appear in nothing that is written when a worker crashes or fails in a way nobody foresaw,
 * not even where the error itself holds them.
 */
import assert from "node:assert/strict";
import { OPENSSL } from "../fixtures/certificate_authority.ts";
import { within } from "../fixtures/deadline.ts";
import { needing } from "../fixtures/installed_tool.ts";
import { assertUntold, learn, LIMIT_MS, type Parts, Told, withParts } from "./leak_bench.ts";
import { startLooseGateway } from "./loose_gateway.ts";
import { markedServers } from "./marked_servers.ts";

Deno.test(needing(OPENSSL, {
  name: "Crashes and unexpected errors never reveal a secret",
  fn: () => within(LIMIT_MS, "all crashes", withParts(crashInEveryWay)),
}));

async function crashInEveryWay(parts: Parts): Promise<void> {
  const { secrets, provider, store, directory } = parts;
  const { servers, env } = await markedServers({
    ...parts,
    provider: provider.url,
    store: store.url,
  });
  const file = `${directory}/gateway.json`;
  await Deno.writeTextFile(
    file,
    JSON.stringify({
      DicomWebOAuth: {
        LogLevel: "DEBUG",
        Listen: { Port: 0 },
        StateDirectory: `${directory}/state`,
        Servers: Object.fromEntries([...servers].map(([name, { keys }]) => [name, keys])),
      },
    }),
  );
  const gateway = await startLooseGateway(file, env);
  const told = new Told();
  const ask = async () => {
    for (const [name, { works }] of servers) {
      if (works) assert.equal(await told.askServer(gateway, name), 200, name);
    }
  };
  await ask();
  const authorization = `Bearer ${secrets.make("a client's token")}`;
  for (const fault of ["rejection", "rejection-of-anything", "handler", "crash"]) {
    await told.ask(`${gateway.url}/fault/${fault}`, { headers: { authorization } });
  }
  await gateway.until(/Worker crashed; restarting it/);
  await gateway.untilReady();
  await ask();
  await told.askPages(gateway);
  const output = await gateway.stop();
  learn(parts);
  assertUntold(parts, `${output}\n${told}`);
  assert.equal(output.match(/Unhandled error; please report it/g)?.length, 2);
  assert.equal(
    output.match(/Unhandled error while serving a request; please report it/g)?.length,
    1,
  );
  assert(output.includes("injected_faults.ts:"), "where it crashed is not told");
}
