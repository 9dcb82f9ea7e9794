/** The output of the gateway is not read, or no longer: requests are answered as before. */
import assert from "node:assert/strict";
import { type GatewayProcess, startGateway } from "../fixtures/gateway_process.ts";

/** Each is logged with more than 100 bytes, and a pipe buffers 64 KiB. */
const REQUESTS = 3_000;
const AT_ONCE = 25;
/** Far more than a response takes; without the queue there would be none. */
const ANSWER_LIMIT_MS = 30_000;

/** A gateway whose log and audit trail grow by a line or more with each request. */
async function startTalkative(
  audit: Readonly<Record<string, unknown>> | undefined,
): Promise<GatewayProcess & { readonly store: Deno.HttpServer<Deno.NetAddr> }> {
  const store = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    () => new Response(null, { status: 404 }),
  );
  const gateway = await startGateway({
    Workers: 2,
    ...(audit && { Audit: audit }),
    Servers: { main: { ProviderType: "none", Url: `http://127.0.0.1:${store.addr.port}` } },
  });
  return { ...gateway, store };
}

async function status(gateway: GatewayProcess, path: string): Promise<number> {
  const signal = AbortSignal.timeout(ANSWER_LIMIT_MS);
  const response = await fetch(`${gateway.url}${path}`, { signal });
  await response.body?.cancel();
  return response.status;
}

/** Sends requests that are all logged. */
async function sendRequests(gateway: GatewayProcess, count = REQUESTS): Promise<Set<number>> {
  const seen = new Set<number>();
  for (let sent = 0; sent < count; sent += AT_ONCE) {
    const batch = Array.from(
      { length: AT_ONCE },
      (_, i) => status(gateway, `/dicom-web/main/studies/1.2.${sent + i}`),
    );
    for (const each of await Promise.all(batch)) seen.add(each);
    assert.equal(await status(gateway, "/healthz"), 200);
  }
  return seen;
}

async function metric(gateway: GatewayProcess, name: string): Promise<number> {
  const text = await (await fetch(`${gateway.url}/dicomweb-oauth/metrics`)).text();
  return Number(new RegExp(`^dicomweb_oauth_${name} (\\d+)$`, "m").exec(text)?.[1]);
}

async function until(holds: () => boolean | Promise<boolean>, what: string): Promise<void> {
  for (let tries = 0; !await holds(); tries++) {
    assert(tries < 600, `${what} never came`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

Deno.test("stalled reader: while the log is not read, requests are answered, and dropped lines are reported", async () => {
  await using gateway = await startTalkative(undefined);
  const goOn = gateway.stopReading();
  // A line has about 130 bytes; the queue holds a MiB in addition to the pipe.
  assert.deepEqual([...await sendRequests(gateway, 12_000)], [404]);
  await until(async () => await metric(gateway, "log_lines_lost_total") > 0, "a lost line");
  goOn();
  await until(() => gateway.output().includes("Log lines were discarded"), "the notice");
  const [, lost] = /Log lines were discarded.* lines=(\d+)/.exec(gateway.output()) ?? [];
  assert(Number(lost) > 0);
  assert.equal(await metric(gateway, "log_lines_lost_total"), Number(lost));
  const written = gateway.output().match(/Store rejected a request/g)?.length ?? 0;
  assert.equal(written + Number(lost), 12_000);
  assert.equal((await gateway.stop()).code, 0);
  await gateway.store.shutdown();
});

Deno.test("stalled reader: the gateway stops although its last log lines are not read", async () => {
  await using gateway = await startTalkative(undefined);
  const goOn = gateway.stopReading();
  assert.deepEqual([...await sendRequests(gateway)], [404]);
  gateway.signal("SIGTERM");
  // Until its port is free: its output would not end before it is read.
  await until(() => status(gateway, "/healthz").then(() => false, () => true), "the end");
  await until(() => isGone(gateway.pid), "the end of the process");
  goOn();
  await gateway.stop();
  await gateway.store.shutdown();
});

Deno.test("stalled reader: an audit trail on standard output with OnFailure refuse rejects requests until it is read", async () => {
  await using gateway = await startTalkative({ To: "stdout", OnFailure: "refuse" });
  const goOn = gateway.stopReading();
  const seen = await sendRequests(gateway);
  seen.add(await refusedIn(gateway));
  assert.deepEqual([...seen].sort(), [404, 503]);
  assert.equal(await status(gateway, "/healthz"), 200);
  goOn();
  await until(
    async () => await status(gateway, "/dicom-web/main/studies/1.2") === 404,
    "an answer of the store",
  );
  assert.equal((await gateway.stop()).code, 0);
  await gateway.store.shutdown();
});

Deno.test("stalled reader: an audit trail on standard output with OnFailure warn rejects none and loses no event", async () => {
  await using gateway = await startTalkative({ To: "stdout", OnFailure: "warn" });
  const goOn = gateway.stopReading();
  assert.deepEqual([...await sendRequests(gateway)], [404]);
  await until(async () => await metric(gateway, "audit_trail_failing") === 1, "the failure");
  assert.deepEqual([...await sendRequests(gateway, AT_ONCE)], [404]);
  goOn();
  await until(async () => await metric(gateway, "audit_trail_failing") === 0, "the recovery");
  assert.equal(await metric(gateway, "audit_events_lost_total"), 0);
  assert.equal((await gateway.stop()).code, 0);
  await gateway.store.shutdown();
});

/** Waits until a request is rejected: a write counts as failed after a timeout. */
async function refusedIn(gateway: GatewayProcess): Promise<number> {
  await until(
    async () => await status(gateway, "/dicom-web/main/studies/1.2") === 503,
    "a refusal",
  );
  return 503;
}

function isGone(pid: number): boolean {
  try {
    const [, state] = /^State:\s+(\w)/m.exec(Deno.readTextFileSync(`/proc/${pid}/status`)) ?? [];
    return state === "Z" || state === "X";
  } catch {
    return true;
  }
}
