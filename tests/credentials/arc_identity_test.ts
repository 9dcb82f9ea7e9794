import assert from "node:assert/strict";
import { managedIdentitySource } from "../../src/credentials/azure/managed_identity_source.ts";
import type { TokenSource } from "../../src/credentials/token.ts";
import { type FakeIdentityService, startArcAgent } from "../fixtures/azure_identity_services.ts";
import { failureOf, never, withConnection } from "./source_harness.ts";

async function withAgent(
  directory: string,
  body: (agent: FakeIdentityService, source: TokenSource) => Promise<void>,
): Promise<void> {
  const agent = startArcAgent({ directory });
  try {
    await withConnection([agent.url], (connection) =>
      body(
        agent,
        managedIdentitySource({
          kind: "azure_managed_identity",
          service: { platform: "arc", endpoint: agent.url, secretsDirectory: directory },
          resource: "https://dicom.healthcareapis.azure.com",
          identity: undefined,
          refreshBufferMs: 300_000,
        }, connection),
      ));
  } finally {
    await agent.close();
  }
}

Deno.test("managedIdentitySource answers the challenge of Azure Arc with the key it names", async () => {
  const directory = await Deno.makeTempDir();
  await withAgent(directory, async (agent, source) => {
    const token = await source.acquire(never);
    assert.equal(token.value, agent.issued[0]);
    assert.equal(agent.requests.length, 2);
    assert.equal(agent.requests[1]?.url.searchParams.get("api-version"), "2020-06-01");
    await source.acquire(never);
    assert.equal(agent.requests.length, 4, "a key is good for one token");
  });
  await Deno.remove(directory, { recursive: true });
});

Deno.test("managedIdentitySource reads no file outside the directory of Azure Arc, whatever the challenge says", async () => {
  const directory = await Deno.makeTempDir();
  const outside = await Deno.makeTempFile({ suffix: ".key" });
  await Deno.writeTextFile(outside, "s3cret");
  await withAgent(directory, async (agent, source) => {
    const name = outside.split("/").at(-1);
    for (
      const realm of [
        outside,
        `${directory}/../${name}`,
        `${directory.slice(0, -1)}_/a.key`,
        `${directory}/sub/a.key`,
        `${directory}/a.txt`,
        directory,
        "",
      ]
    ) {
      agent.answer = () =>
        new Response(null, {
          status: 401,
          headers: { "www-authenticate": `Basic realm=${realm}` },
        });
      const before = agent.requests.length;
      assert.equal((await failureOf(source.acquire(never))).code, "TOK-005", realm);
      assert.equal(agent.requests.length, before + 1, realm);
    }
    agent.answer = () =>
      new Response(null, {
        status: 401,
        headers: { "www-authenticate": `Basic realm=${directory}/gone.key` },
      });
    const gone = await failureOf(source.acquire(never));
    assert.equal(gone.code, "AUTH-001");
    assert.match(gone.message, /gone\.key cannot be read: no such file/);
    assert.match(gone.troubleshooting[0] ?? "", /group himds/);
    await Deno.writeTextFile(`${directory}/gone.key`, "x".repeat(4097));
    assert.match((await failureOf(source.acquire(never))).message, /more than 4096 bytes/);
  });
  await Deno.remove(directory, { recursive: true });
  await Deno.remove(outside);
});
