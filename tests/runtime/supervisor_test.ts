import assert from "node:assert/strict";
import type { GatewayConfig } from "../../src/config/gateway_config.ts";
import { parseConfig, sourceOf } from "../../src/config/parse_config.ts";
import { Secret } from "../../src/config/values/secret.ts";
import { PortInUseError } from "../../src/runtime/reserve_port.ts";
import { Supervisor } from "../../src/runtime/supervisor.ts";
import { MemoryLogger } from "../fixtures/memory_logger.ts";
import { RawClient } from "../fixtures/raw_client.ts";
import { startSlowStore } from "../fixtures/slow_store.ts";

function config(
  storeUrl: string,
  keys: Record<string, unknown> = {},
): Promise<GatewayConfig> {
  return parseConfig(
    sourceOf({
      DicomWebOAuth: {
        LogLevel: "ERROR",
        Listen: { Port: 0 },
        Servers: { main: { Url: storeUrl, ProviderType: "none" } },
        ...keys,
      },
    }, { path: "/etc/dicomweb-gateway/gateway.json", stateHome: "/nonexistent" }),
  );
}

function origin(handler: () => Response | Promise<Response>) {
  return Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, handler);
}

Deno.test("Supervisor: serves through sandboxed workers, and returns the metrics of all of them", async () => {
  const store = origin(() => new Response("stored"));
  const supervisor = await Supervisor.start({
    config: await config(`http://127.0.0.1:${store.addr.port}`, { Workers: 2 }),
    logger: new MemoryLogger(),
    version: "1.2.3",
  });
  for (let count = 0; count < 20; count++) {
    // A connection of its own each time, so that both workers get some.
    const client = Deno.createHttpClient({ poolMaxIdlePerHost: 0 });
    const response = await fetch(`${supervisor.url}/dicom-web/main/studies`, { client });
    assert.equal(await response.text(), "stored");
    client.close();
  }
  const metrics = await (await fetch(`${supervisor.url}/dicomweb-oauth/metrics`)).text();
  assert.match(
    metrics,
    /http_requests_total\{[^}]*endpoint="\/dicom-web\/:server\/\*"[^}]*\} 20\n/,
  );
  assert.equal(await supervisor.stop(), true);
  await assert.rejects(fetch(`${supervisor.url}/healthz`));
  await store.shutdown();
});

Deno.test("Supervisor: another program on the port is reported before any worker starts", async () => {
  const taken = Deno.listen({ hostname: "127.0.0.1", port: 0, reusePort: true });
  const { port } = taken.addr as Deno.NetAddr;
  await assert.rejects(
    Supervisor.start({
      config: await config("http://127.0.0.1:1", { Listen: { Port: port } }),
      logger: new MemoryLogger(),
      version: "1.2.3",
    }),
    (error) => error instanceof PortInUseError && error.message.includes(String(port)),
  );
  taken.close();
});

Deno.test("Supervisor: stopping lets a transfer finish and accepts nothing new", async () => {
  const store = startSlowStore();
  const supervisor = await Supervisor.start({
    config: await config(store.url),
    logger: new MemoryLogger(),
    version: "1.2.3",
  });
  const response = await fetch(`${supervisor.url}/dicom-web/main/studies/1.2.3`);
  const stopped = supervisor.stop();
  const client = Deno.createHttpClient({ poolMaxIdlePerHost: 0 });
  await untilRefused(supervisor.url, client);
  store.finish();
  assert.equal(await response.text(), "first last");
  assert.equal(await stopped, true);
  client.close();
  await store.close();
});

Deno.test("Supervisor: stopping cuts off transfers that exceed the drain timeout", async () => {
  const store = origin(() =>
    new Response(
      new ReadableStream({
        start: (controller) => controller.enqueue(new TextEncoder().encode("first")),
      }),
    )
  );
  const supervisor = await Supervisor.start({
    config: await config(`http://127.0.0.1:${store.addr.port}`, { DrainTimeoutSeconds: 0.1 }),
    logger: new MemoryLogger(),
    version: "1.2.3",
  });
  const response = await fetch(`${supervisor.url}/dicom-web/main/studies/1.2.3`);
  assert.equal(await supervisor.stop(), false);
  await assert.rejects(response.text(), "a cut transfer must not look whole");
  await store.shutdown();
});

Deno.test("Supervisor: a worker that crashes is restarted, and the crash is logged", async () => {
  const logger = new MemoryLogger();
  const supervisor = await Supervisor.start({
    config: await config("http://127.0.0.1:1"),
    logger,
    version: "1.2.3",
    workerModule: import.meta.resolve("../fixtures/crashing_worker.ts"),
  });
  const response = await fetch(`${supervisor.url}/crash`).catch(() => undefined);
  await response?.text().catch(() => {});
  const deadline = Date.now() + 10_000;
  let answered = false;
  while (!answered && Date.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    answered = logger.lines.length > 0 &&
      await fetch(supervisor.url).then((again) => again.text()).then(() => true, () => false);
  }
  assert.ok(answered, "it does not answer again");
  assert.match(logger.lines[0]?.message ?? "", /crashed/);
  assert.match(String(logger.lines[0]?.fields["reason"]), /injected/);
  const metrics = await (await fetch(`${supervisor.url}/metrics`)).text();
  assert.match(metrics, /^dicomweb_oauth_worker_crashes_total 1$/m);
  await supervisor.stop(0);
});

Deno.test("Supervisor: the delay of a restart grows with each crash, and is short again after a steady time", async () => {
  const logger = new MemoryLogger();
  let nowMs = 0;
  const supervisor = await Supervisor.start({
    config: await config("http://127.0.0.1:1"),
    logger,
    version: "1.2.3",
    workerModule: import.meta.resolve("../fixtures/crashing_worker.ts"),
    now: () => nowMs,
  });
  const answers = () => fetch(supervisor.url).then((answer) => answer.text()).catch(() => "");
  async function crash(crashes: number): Promise<void> {
    await fetch(`${supervisor.url}/crash`).then((answer) => answer.text()).catch(() => {});
    const deadline = Date.now() + 10_000;
    while (logger.lines.length < crashes || await answers() !== "alive") {
      assert.ok(Date.now() < deadline, "it does not answer again");
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
  await crash(1);
  await crash(2);
  nowMs += 30_000;
  await crash(3);
  await crash(4);
  assert.deepEqual(
    logger.lines.map(({ fields }) => fields["delayMs"]),
    [500, 1000, 500, 1000],
  );
  await supervisor.stop(0);
});

Deno.test("Supervisor: the streams of other workers continue when one crashes", async () => {
  const logger = new MemoryLogger();
  const supervisor = await Supervisor.start({
    config: await config("http://127.0.0.1:1", { Workers: 2 }),
    logger,
    version: "1.2.3",
    workerModule: import.meta.resolve("../fixtures/crashing_worker.ts"),
  });
  const stream = await fetch(`${supervisor.url}/stream`);
  const ticks = stream.body!.getReader();
  await ticks.read();
  // Connections of their own, until one reaches the other worker.
  let other: string | null = null;
  while (other === null || other === stream.headers.get("x-worker")) {
    using peer = await RawClient.connect(supervisor.url);
    await peer.write(peer.head("GET", "/"));
    const answer = await peer.answer();
    for await (const _ of answer.body);
    other = answer.headers.get("x-worker");
    if (other !== stream.headers.get("x-worker")) {
      await peer.write(peer.head("GET", "/crash"));
      await peer.answer().catch(() => {});
    }
  }
  const deadline = Date.now() + 10_000;
  while (logger.lines.length === 0 && Date.now() < deadline) await ticks.read();
  assert.match(logger.lines[0]?.message ?? "", /crashed/);
  for (let count = 0; count < 20; count++) assert.equal((await ticks.read()).done, false);
  await ticks.cancel();
  await supervisor.stop(0);
});

Deno.test("Supervisor: a reload whose workers cannot start leaves the former ones running", async () => {
  const store = origin(() => new Response("served"));
  const supervisor = await Supervisor.start({
    config: await config(`http://127.0.0.1:${store.addr.port}`),
    logger: new MemoryLogger(),
    version: "1.2.3",
  });
  const parsed = await config("http://127.0.0.1:1");
  const tls = { certificatePem: "", keyPem: new Secret("") };
  const unfit = { ...parsed, listen: { ...parsed.listen, tls } };
  await assert.rejects(supervisor.reload(() => Promise.resolve(unfit)), /HTTPS/);
  await assert.rejects(supervisor.reload(() => Promise.reject(new Error("no file"))), /no file/);
  assert.equal(await (await fetch(`${supervisor.url}/dicom-web/main/studies`)).text(), "served");
  assert.equal(await supervisor.stop(), true);
  await store.shutdown();
});

Deno.test("Supervisor: every worker reports the same outcome of the last request", async () => {
  let status = 400;
  const store = origin(() => new Response("no", { status: status++ }));
  const supervisor = await Supervisor.start({
    config: await config(`http://127.0.0.1:${store.addr.port}`, { Workers: 2 }),
    logger: new MemoryLogger(),
    version: "1.2.3",
  });
  const onItsOwnConnection = async (path: string) => {
    using client = Deno.createHttpClient({ poolMaxIdlePerHost: 0 });
    return await (await fetch(supervisor.url + path, { client })).text();
  };
  for (let count = 0; count < 20; count++) await onItsOwnConnection("/dicom-web/main/studies/1.2");
  const statuses = new Set<number>();
  for (let count = 0; count < 20; count++) {
    const { data } = JSON.parse(await onItsOwnConnection("/dicomweb-oauth/servers"));
    statuses.add(data.servers[0].last_request.store_status);
  }
  assert.deepEqual([...statuses], [419]);
  await supervisor.stop();
  await store.shutdown();
});

/** What the gateway has counted of requests to stores, and what it says is under way. */
async function counted({ url }: Supervisor): Promise<[requests: number, inFlight: number]> {
  const text = await (await fetch(`${url}/dicomweb-oauth/metrics`)).text();
  const requests = /http_requests_total\{[^}]*endpoint="\/dicom-web\/:server\/\*"[^}]*\} (\d+)/;
  const inFlight = /store_requests_in_flight\{server="main"\} (\d+)/;
  return [Number(requests.exec(text)?.[1]), Number(inFlight.exec(text)?.[1])];
}

async function askStore({ url }: Supervisor, times: number): Promise<void> {
  for (let count = 0; count < times; count++) {
    await (await fetch(`${url}/dicom-web/main/studies/1.2`)).text();
  }
}

Deno.test("Supervisor: counters continue over reloads, while transfers run and when they have ended", async () => {
  const { promise: held, resolve: release } = Promise.withResolvers<void>();
  let isHeld = true;
  const store = origin(async () => {
    if (isHeld) {
      isHeld = false;
      await held;
    }
    return new Response("stored");
  });
  const parsed = await config(`http://127.0.0.1:${store.addr.port}`);
  const logger = new MemoryLogger();
  const supervisor = await Supervisor.start({ config: parsed, logger, version: "1.2.3" });
  const running = fetch(`${supervisor.url}/dicom-web/main/studies/1.2`);
  while (isHeld) await new Promise((resolve) => setTimeout(resolve, 10));
  await askStore(supervisor, 5);
  for (let reloads = 0; reloads < 2; reloads++) {
    await supervisor.reload(() => Promise.resolve(parsed));
    await askStore(supervisor, 5);
  }
  assert.deepEqual(await counted(supervisor), [15, 1]);
  release();
  await (await running).text();
  const deadline = Date.now() + 10_000;
  while (logger.lines.length < 2 && Date.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  assert.deepEqual(await counted(supervisor), [16, 0]);
  await supervisor.stop();
  await store.shutdown();
});

Deno.test("Supervisor: a worker's crash removes no counts that were reported before", async () => {
  const store = origin(() => new Response("stored"));
  const supervisor = await Supervisor.start({
    config: await config(`http://127.0.0.1:${store.addr.port}`),
    logger: new MemoryLogger(),
    version: "1.2.3",
    workerModule: import.meta.resolve("../fixtures/faulty_worker.ts"),
  });
  await askStore(supervisor, 5);
  assert.deepEqual(await counted(supervisor), [5, 0]);
  await fetch(`${supervisor.url}/fault/crash`).then((answer) => answer.text()).catch(() => {});
  const deadline = Date.now() + 10_000;
  let isBack = false;
  while (!isBack && Date.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    isBack = await fetch(`${supervisor.url}/healthz`).then((it) => it.text()).then(
      () => true,
      () => false,
    );
  }
  await askStore(supervisor, 3);
  assert.deepEqual(await counted(supervisor), [8, 0]);
  await supervisor.stop();
  await store.shutdown();
});

async function untilRefused(url: string, client: Deno.HttpClient): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (Date.now() < deadline) {
    try {
      await (await fetch(`${url}/healthz`, { client })).body?.cancel();
    } catch {
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new assert.AssertionError({ message: "it still accepts connections" });
}
