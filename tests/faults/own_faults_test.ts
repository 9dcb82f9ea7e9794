/**
 * The gateway's own faults, made with real parts: whether status page, management API, readiness and
 * metrics show each while it lasts, and no longer.
 */
import assert from "node:assert/strict";
import type { FaultKind } from "../../src/telemetry/faults.ts";
import { type GatewayProcess, startGateway } from "../fixtures/gateway_process.ts";
import { needing, needingRoot } from "../fixtures/installed_tool.ts";
import { serveLoopback } from "../fixtures/listening.ts";
import { REDIS, startRedisServer } from "../fixtures/redis_server.ts";
import { mountSmallDisk } from "../fixtures/small_disk.ts";
import { instances, STOW_TYPE, stowBody } from "../fixtures/stow_request.ts";
import { startTokenEndpoint } from "../fixtures/token_endpoint.ts";

const LIMIT_MS = 60_000;
const SERVERS = { archive: { Url: "http://127.0.0.1:9/", ProviderType: "none" } };
const REDIS_KEY = btoa("k".repeat(32));

interface ShownFault {
  readonly kind: FaultKind;
  readonly since: string;
  readonly reason: string;
  readonly stops: string | null;
}

async function statusOf(gateway: GatewayProcess) {
  const response = await fetch(`${gateway.url}/dicomweb-oauth/status`);
  const { data } = await response.json();
  return data as { status: string; ready: boolean; faults: ShownFault[] };
}

/** Waits until the gateway shows exactly these faults. */
async function shown(gateway: GatewayProcess, ...kinds: FaultKind[]): Promise<ShownFault[]> {
  const deadline = Date.now() + LIMIT_MS;
  for (;;) {
    const { faults, status } = await statusOf(gateway);
    assert.equal(status, faults.length === 0 ? "healthy" : "degraded");
    const current = faults.map(({ kind }) => kind);
    if (String(current) === String(kinds)) return faults;
    if (Date.now() > deadline) assert.deepEqual(current, kinds);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function pageOf(gateway: GatewayProcess): Promise<string> {
  const text = await (await fetch(`${gateway.url}/`)).text();
  return text.replaceAll(/<[^>]*>/g, " ").replaceAll(/\s+/g, " ");
}

async function readiness(gateway: GatewayProcess): Promise<number> {
  const response = await fetch(`${gateway.url}/readyz`);
  await response.body?.cancel();
  return response.status;
}

async function metric(gateway: GatewayProcess, kind: FaultKind): Promise<string | undefined> {
  const text = await (await fetch(`${gateway.url}/dicomweb-oauth/metrics`)).text();
  return new RegExp(`gateway_fault\\{kind="${kind}"\\} (\\d)`).exec(text)?.[1];
}

async function ask(gateway: GatewayProcess, init: RequestInit = {}): Promise<number> {
  const response = await fetch(`${gateway.url}/dicom-web/archive/studies`, init);
  await response.body?.cancel();
  return response.status;
}

Deno.test(needing(REDIS, {
  name:
    "Own faults: a read-only Redis replica is shown, with readiness, in every worker, until it is writable",
  async fn() {
    const primary = await startRedisServer();
    const replica = await startRedisServer({ args: ["--replicaof", `127.0.0.1 ${primary.port}`] });
    await using gateway = await startGateway({
      Servers: SERVERS,
      Workers: 2,
      TokenCache: { Backend: "redis", Url: replica.url, EncryptionKey: REDIS_KEY },
    }, { isUnready: true });
    try {
      const [fault] = await shown(gateway, "token_cache");
      assert.match(fault!.reason, /READONLY/);
      assert.equal(fault!.stops, "readiness");
      assert.equal((await statusOf(gateway)).ready, false);
      assert.equal(await readiness(gateway), 503);
      assert.equal(await metric(gateway, "token_cache"), "1");
      assert.match(
        await pageOf(gateway),
        /The token cache cannot be used.*Not ready: GET \/readyz answers 503.*READONLY.*What to do: .*read-only replica/,
      );
      await replica.command("replicaof", "no", "one");
      await shown(gateway);
      assert.equal((await statusOf(gateway)).ready, true);
      assert.equal(await readiness(gateway), 200);
      assert.equal(await metric(gateway, "token_cache"), "0");
      assert.doesNotMatch(await pageOf(gateway), /Problems of the gateway/);
    } finally {
      await replica.kill();
      await primary.kill();
    }
  },
}));

Deno.test(needingRoot({
  name:
    "Own faults: a full disk of the audit trail is shown, with what it stops, until there is space",
  async fn() {
    await using disk = await mountSmallDisk("1m");
    await using gateway = await startGateway({
      Servers: SERVERS,
      Audit: { File: `${disk.path}/trail/audit.jsonl`, OnFailure: "refuse" },
    });
    await shown(gateway);
    await disk.fill();
    await ask(gateway);
    const [audit, space] = await shown(gateway, "audit_trail", "disk_space");
    assert.match(audit!.reason, /No space left on device/);
    assert.equal(audit!.stops, "requests");
    assert.match(space!.reason, /^The disk of .*\/trail is full$/);
    assert.equal(await ask(gateway), 503);
    assert.match(
      await pageOf(gateway),
      /The gateway has 2 problems.*The audit trail cannot be written.*All requests to the servers are rejected/,
    );
    await disk.free();
    await shown(gateway);
    assert.notEqual(await ask(gateway), 503);
  },
}));

Deno.test("Own faults: a syslog server that refuses connections is shown until the gateway stops", async () => {
  await using gateway = await startGateway({
    Servers: SERVERS,
    Audit: { To: "syslog", Syslog: { Host: "127.0.0.1", Port: 9 }, OnFailure: "warn" },
  });
  const [fault] = await shown(gateway, "audit_trail");
  assert.match(fault!.reason, /Cannot send to the syslog server 127\.0\.0\.1:9: .*refused/);
  assert.equal(fault!.stops, null);
});

Deno.test(needingRoot({
  name:
    "Own faults: an upload that finds no space to be buffered is shown until one does, and as the server's failed upload",
  async fn() {
    await using disk = await mountSmallDisk("4m");
    const body = new Blob([...stowBody(instances(4, 10_000))]);
    const store = serveLoopback(async (request) => {
      await request.body?.pipeTo(new WritableStream());
      return Response.json({ "00081199": { vr: "SQ", Value: [{}] } });
    });
    const gateway = await startGateway({
      TokenCache: { Backend: "memory" },
      Servers: {
        archive: {
          Url: store.url,
          ProviderType: "aws",
          Region: "eu-west-1",
          AccessKeyId: "AKIAIOSFODNN7EXAMPLE",
          SecretAccessKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        },
      },
    }, { stateDirectory: `${disk.path}/state` });
    try {
      const upload = () =>
        ask(gateway, {
          method: "POST",
          headers: { "content-type": STOW_TYPE },
          body,
        });
      await shown(gateway);
      await disk.fill();
      assert.equal(await upload(), 503);
      const [buffer] = await shown(gateway, "upload_buffer", "disk_space");
      assert.equal(buffer!.reason, "the disk of the state directory is full");
      const { data } = await (await fetch(`${gateway.url}/dicomweb-oauth/servers`)).json();
      const [server] = data.servers;
      assert.deepEqual([server.health, server.failed_upload.error.error_code], [
        "failing",
        "INT-003",
      ]);
      await disk.free();
      assert.equal(await upload(), 202);
      await shown(gateway);
    } finally {
      await gateway.stop();
      await store.shutdown();
    }
  },
}));

Deno.test(needingRoot({
  name:
    "Own faults: a token cache on a full disk is shown, but stops nothing if nobody configured it",
  async fn() {
    await using disk = await mountSmallDisk("8m");
    const endpoint = startTokenEndpoint({ expiresInSeconds: 3600 });
    const gateway = await startGateway({
      Servers: { archive: { Url: "http://127.0.0.1:9/", ...endpoint.serverKeys } },
    }, { stateDirectory: `${disk.path}/state` });
    try {
      await ask(gateway);
      await shown(gateway);
      await disk.fill();
      const faults = await shown(gateway, "disk_space", "token_cache");
      assert.equal(faults[1]!.stops, null);
      assert.match(faults[1]!.reason, /full|disk I\/O error/);
      assert.equal(await readiness(gateway), 200);
      await disk.free();
      await shown(gateway);
    } finally {
      await gateway.stop();
      await endpoint.close();
    }
  },
}));

Deno.test(needingRoot({
  name:
    "Own faults: a state directory that cannot be used at the start is shown until a reload that can",
  async fn() {
    await using disk = await mountSmallDisk("8m");
    await disk.remount("ro");
    const endpoint = startTokenEndpoint({ expiresInSeconds: 3600 });
    const gateway = await startGateway({
      Servers: { archive: { Url: "http://127.0.0.1:9/", ...endpoint.serverKeys } },
    }, { stateDirectory: `${disk.path}/state` });
    try {
      const [fault] = await shown(gateway, "state_directory");
      assert.match(fault!.reason, /Read-only file system/);
      assert.equal((await statusOf(gateway)).ready, true);
      await disk.remount("rw");
      gateway.signal("SIGHUP");
      await shown(gateway);
    } finally {
      await gateway.stop();
      await endpoint.close();
    }
  },
}));

Deno.test("Own faults: a reload that failed is shown, with why and how old the configuration is, until one succeeds", async () => {
  const startedMs = Date.now();
  await using gateway = await startGateway({ Servers: SERVERS });
  await shown(gateway);
  await gateway.writeConfig({ Servers: { archive: { Url: "http://127.0.0.1:9/", Typo: 1 } } });
  gateway.signal("SIGHUP");
  const [invalid] = await shown(gateway, "configuration");
  assert.match(invalid!.reason, /CFG-002 .*Typo: unknown key/);
  const loadedAt = /loaded at (\S+)$/.exec(invalid!.reason)?.[1] ?? "";
  assert(Date.parse(loadedAt) >= startedMs && Date.parse(loadedAt) <= Date.parse(invalid!.since));
  assert.equal(await metric(gateway, "configuration"), "1");
  assert.match(
    await pageOf(gateway),
    /The last reload of the configuration failed.*The previous configuration stays in use.*Typo.*What to do: Correct the file/,
  );
  const another = { Address: "127.0.0.1", Port: 1 };
  await gateway.writeConfig({ Servers: SERVERS, Listen: another });
  gateway.signal("SIGHUP");
  await gateway.until(/Listen\.Port cannot be changed by a reload/);
  const [later] = await shown(gateway, "configuration");
  assert.match(later!.reason, /Listen\.Port cannot be changed by a reload/);
  assert.equal(later!.since, invalid!.since, "since the first of them");
  await gateway.writeConfig({ Servers: SERVERS });
  gateway.signal("SIGHUP");
  await shown(gateway);
});
