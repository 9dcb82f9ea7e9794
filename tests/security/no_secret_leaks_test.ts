/**
 * Secrets, tokens, assertions and keys appear in no log line, error body, metric or status page: every
 * credential scheme goes through every failure at debug level, with providers that repeat what they
 * receive, and all output of the gateway is searched.
 */
import assert from "node:assert/strict";
import { OPENSSL } from "../fixtures/certificate_authority.ts";
import { within } from "../fixtures/deadline.ts";
import { startGateway } from "../fixtures/gateway_process.ts";
import { needing } from "../fixtures/installed_tool.ts";
import { failures } from "./failing_answers.ts";
import { assertNoLeaks, learn, LIMIT_MS, type Parts, Responses, withParts } from "./leak_bench.ts";
import { markedServers } from "./marked_servers.ts";

Deno.test(needing(OPENSSL, {
  name: "No credential scheme reveals a secret, a token, an assertion or a key, whatever fails",
  fn: () => within(LIMIT_MS, "all failures", withParts(failInEveryWay)),
}));

async function failInEveryWay(parts: Parts): Promise<void> {
  const { secrets, provider, store, grant } = parts;
  const encryptionKey = crypto.getRandomValues(new Uint8Array(32));
  secrets.add("encryption key", encryptionKey);
  const { servers, env } = await markedServers(parts);
  const responses = new Responses();
  let output: string;
  {
    await using gateway = await startGateway({
      LogLevel: "DEBUG",
      TokenCache: { Backend: "kv", EncryptionKey: encryptionKey.toBase64() },
      Servers: Object.fromEntries([...servers].map(([name, { keys }]) => [name, keys])),
    }, { env });
    const each = (ask: (name: string) => Promise<unknown>) =>
      Promise.all([...servers.keys()].map(ask));

    const give = provider.answer;
    for (const [, answer] of failures) {
      provider.answer = answer(grant);
      await each((name) => responses.askServer(gateway, name));
    }
    provider.answer = give;
    const statuses = new Map<string, number>();
    await each(async (name) => statuses.set(name, await responses.askServer(gateway, name)));
    for (const [name, { works }] of servers) {
      assert.equal(
        statuses.get(name) === 200,
        works,
        `${name}: ${statuses.get(name)}\n${responses}`,
      );
    }
    for (const status of [401, 403, 500, 0]) {
      store.status = status;
      await each((name) => responses.store(gateway, name));
      await each((name) => responses.ask(`${gateway.url}/dicom-web/${name}/studies`));
    }
    await responses.askPages(gateway);
    await each((name) =>
      responses.ask(`${gateway.url}/dicomweb-oauth/servers/${name}/token`, { method: "DELETE" })
    );
    await responses.askPages(gateway);
    await gateway.stop();
    output = gateway.output();
  }
  learn(parts);
  const all = `${output}\n${responses}`;
  assertNoLeaks(parts, all);
  // The search is meaningful only if all of it happened.
  for (
    const code of [
      ...["AUTH-001", "AUTH-002", "AUTH-003", "NET-001", "NET-003", "NET-004"],
      ...["TOK-001", "TOK-002", "TOK-004", "TOK-005"],
    ]
  ) {
    assert(all.includes(code), `nothing failed with ${code}`);
  }
  assert(output.includes("[hidden]"), "no provider was quoted");
  assert(output.includes("token_validation_failure"), "no token failed validation");
  for (const name of ["a signature of AWS", "a proof's signature", "an assertion's signature"]) {
    assert(secrets.names.has(name), `${name} was never sent`);
  }
  const sent = provider.shown.flatMap((shown) => shown.secrets).join("\n") +
    store.seen.flatMap((headers) => [...headers].map(([, value]) => value)).join("\n");
  const kept = new Set(
    [...secrets.findIn(sent)].map(({ secret }) => secret),
  );
  for (const name of secrets.names) {
    if (/^(?:secret of (?:post|basic|dpop|googleUser)|refresh token|subject token)$/.test(name)) {
      assert(kept.has(name), `${name} was never sent`);
    }
  }
}
