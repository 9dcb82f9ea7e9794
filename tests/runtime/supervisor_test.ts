import assert from "node:assert/strict";
import type { ConfigSource } from "../../src/config/config_source.ts";
import { PortInUseError } from "../../src/runtime/reserve_port.ts";
import { Supervisor } from "../../src/runtime/supervisor.ts";
import { MemoryLogger } from "../fixtures/memory_logger.ts";

function source(storeUrl: string, keys: Record<string, unknown> = {}): ConfigSource {
  return {
    path: "/etc/dicomweb-gateway/gateway.json",
    document: {
      DicomWebOAuth: {
        LogLevel: "ERROR",
        Listen: { Port: 0 },
        Servers: { main: { Url: storeUrl, ProviderType: "none" } },
        ...keys,
      },
    },
    files: {},
    environment: {},
    defaultStateDirectory: "/nonexistent",
    problems: [],
  };
}

function origin(handler: () => Response | Promise<Response>) {
  return Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, handler);
}

Deno.test("Supervisor: serves through sandboxed workers, and its metrics are those of all of them", async () => {
  const store = origin(() => new Response("stored"));
  const supervisor = await Supervisor.start({
    source: source(`http://127.0.0.1:${store.addr.port}`, { Workers: 2 }),
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

Deno.test("Supervisor: another program on the port is told before any worker starts", async () => {
  const taken = Deno.listen({ hostname: "127.0.0.1", port: 0, reusePort: true });
  const { port } = taken.addr as Deno.NetAddr;
  await assert.rejects(
    Supervisor.start({
      source: source("http://127.0.0.1:1", { Listen: { Port: port } }),
      logger: new MemoryLogger(),
      version: "1.2.3",
    }),
    (error) => error instanceof PortInUseError && error.message.includes(String(port)),
  );
  taken.close();
});

Deno.test("Supervisor: stopping lets a transfer finish and accepts nothing new", async () => {
  const { promise: release, resolve } = Promise.withResolvers<void>();
  const store = origin(() =>
    new Response(
      new ReadableStream({
        async start(controller) {
          controller.enqueue(new TextEncoder().encode("first "));
          await release;
          controller.enqueue(new TextEncoder().encode("last"));
          controller.close();
        },
      }),
    )
  );
  const supervisor = await Supervisor.start({
    source: source(`http://127.0.0.1:${store.addr.port}`),
    logger: new MemoryLogger(),
    version: "1.2.3",
  });
  const response = await fetch(`${supervisor.url}/dicom-web/main/studies/1.2.3`);
  const stopped = supervisor.stop();
  const client = Deno.createHttpClient({ poolMaxIdlePerHost: 0 });
  await untilRefused(supervisor.url, client);
  resolve();
  assert.equal(await response.text(), "first last");
  assert.equal(await stopped, true);
  client.close();
  await store.shutdown();
});

Deno.test("Supervisor: stopping cuts off what takes longer than the drain timeout", async () => {
  const store = origin(() =>
    new Response(
      new ReadableStream({
        start: (controller) => controller.enqueue(new TextEncoder().encode("first")),
      }),
    )
  );
  const supervisor = await Supervisor.start({
    source: source(`http://127.0.0.1:${store.addr.port}`, { DrainTimeoutSeconds: 0.1 }),
    logger: new MemoryLogger(),
    version: "1.2.3",
  });
  const response = await fetch(`${supervisor.url}/dicom-web/main/studies/1.2.3`);
  assert.equal(await supervisor.stop(), false);
  await assert.rejects(response.text(), "a cut transfer must not look whole");
  await store.shutdown();
});

Deno.test("Supervisor: a worker that crashes is started again, and the crash is logged", async () => {
  const logger = new MemoryLogger();
  const supervisor = await Supervisor.start({
    source: source("http://127.0.0.1:1"),
    logger,
    version: "1.2.3",
    workerModule: import.meta.resolve("../fixtures/crashing_worker.ts"),
  });
  const response = await fetch(supervisor.url).catch(() => undefined);
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
  await supervisor.stop(0);
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
