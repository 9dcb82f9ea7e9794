/**
 * A gateway with a server of each kind for the status page: working, store down, wrong secret,
 * rejecting, wrong path, unused, and with a transfer that does not end.
 */
import { type GatewayProcess, startGateway } from "../fixtures/gateway_process.ts";
import { startTokenEndpoint } from "../fixtures/token_endpoint.ts";
import { instances, STOW_TYPE, stowBody } from "../fixtures/stow_request.ts";
import { serveLoopback } from "../fixtures/listening.ts";

export interface StatusScene extends AsyncDisposable {
  readonly gateway: GatewayProcess;
  /** Lets clients use the servers for a while, with varying load. */
  makeTraffic(forMs: number): Promise<void>;
}

/** Starts the scene, with requests of all kinds made. */
export async function setStatusScene(workers: number): Promise<StatusScene> {
  const endpoint = startTokenEndpoint({ expiresInSeconds: 3600 });
  const store = serveLoopback(answer);
  const gateway = await startGateway({
    Workers: workers,
    Servers: {
      "azure-archive": {
        Url: `${store.url}/v2/azure-archive`,
        Timeouts: { IdleSeconds: 60 },
        ...endpoint.serverKeys,
      },
      "research-cloud": {
        Url: `${store.url}/research`,
        ...endpoint.serverKeys,
        ClientSecret: "wrong",
      },
      "teaching-files": {
        Url: `${store.url}/forbidden`,
        ProviderType: "none",
      },
      "second-opinion": { Url: `${store.url}/dicomwep`, ProviderType: "none" },
      "old-pacs": { Url: "http://127.0.0.1:9/dicom-web", ProviderType: "none" },
      "reporting": { Url: `${store.url}/reporting`, ...endpoint.serverKeys },
    },
  });
  const ended = new AbortController();
  const ask = async (path: string) => {
    const answer = await fetch(`${gateway.url}/dicom-web/${path}`);
    await answer.body?.cancel();
  };
  for (let i = 0; i < 30; i++) await ask("azure-archive/studies?limit=5");
  for (let i = 0; i < 3; i++) await ask("research-cloud/studies").catch(() => {});
  await ask("teaching-files/studies");
  await ask("second-opinion/studies");
  await ask("old-pacs/studies");
  const open = await fetch(`${gateway.url}/dicom-web/azure-archive/studies/1.2.3`, {
    signal: ended.signal,
  });
  return {
    gateway,
    async makeTraffic(forMs) {
      const untilMs = Date.now() + forMs;
      for (let round = 0; Date.now() < untilMs; round++) {
        const many = 3 + Math.round(3 * Math.sin(round / 9) + 2 * Math.sin(round / 2.3));
        for (let i = 0; i < many; i++) await ask("azure-archive/studies?limit=5");
        if (round % 3 === 0) await ask("reporting/studies?limit=5");
        if (round % 20 === 0) await ask("teaching-files/studies");
        if (round % 20 === 10) await ask("second-opinion/studies");
        if (round % 30 === 0) await ask("old-pacs/studies");
        if (round % 16 === 0) await ask("research-cloud/studies");
        await new Promise((resolve) => setTimeout(resolve, 500));
      }
    },
    async [Symbol.asyncDispose]() {
      ended.abort();
      await open.body?.cancel().catch(() => {});
      await gateway.stop();
      await store.shutdown();
      await endpoint.close();
    },
  };
}

export interface TroubledScene extends AsyncDisposable {
  readonly gateway: GatewayProcess;
  /** Makes the configuration valid again, and reloads it. */
  reload(): Promise<void>;
}

/**
 * Starts a gateway with faults of its own (no syslog server, no Redis, a failed reload), and with
 * stores that reject uploads.
 */
export async function setTroubledScene(): Promise<TroubledScene> {
  const answers: Readonly<Record<string, () => Response>> = {
    "/full": () => new Response("disk full", { status: 507 }),
    "/strict": () => {
      const failed = Array.from({ length: 3 }, (_, at) => ({
        "00081155": { vr: "UI", Value: [`1.2.3.${at + 1}`] },
        "00081197": { vr: "US", Value: [0xA900] },
      }));
      const body = JSON.stringify({ "00081198": { vr: "SQ", Value: failed } });
      return new Response(body, {
        status: 409,
        headers: { "content-type": "application/dicom+json" },
      });
    },
  };
  const store = serveLoopback(async (request) => {
    await request.body?.pipeTo(new WritableStream());
    const [, base] = /^(\/[^/]*)/.exec(new URL(request.url).pathname) ?? [];
    return request.method === "POST" ? answers[base ?? ""]!() : Response.json([]);
  });
  const config = {
    Servers: {
      "azure-archive": { Url: `${store.url}/full`, ProviderType: "none" },
      "reporting": { Url: `${store.url}/strict`, ProviderType: "none" },
      "teaching-files": { Url: `${store.url}/teaching`, ProviderType: "none" },
    },
    Audit: { To: "syslog", Syslog: { Host: "127.0.0.1", Port: 9 }, OnFailure: "warn" },
    TokenCache: {
      Backend: "redis",
      Url: "redis://127.0.0.1:9",
      EncryptionKey: btoa("k".repeat(32)),
    },
  };
  const gateway = await startGateway(config, { isUnready: true });
  const ask = async (server: string, init: RequestInit = {}) => {
    const answer = await fetch(`${gateway.url}/dicom-web/${server}/studies`, init);
    await answer.body?.cancel();
  };
  const body = new Blob([...stowBody(instances(3))]);
  for (const server of ["azure-archive", "reporting"]) {
    await ask(server, { method: "POST", headers: { "content-type": STOW_TYPE }, body });
  }
  for (const server of Object.keys(config.Servers)) await ask(server);
  await gateway.writeConfig({ ...config, Servers: { "azure-archive": { Urll: store.url } } });
  gateway.signal("SIGHUP");
  await gateway.until(/Reload failed/);
  return {
    gateway,
    async reload() {
      await gateway.writeConfig(config);
      gateway.signal("SIGHUP");
      await gateway.until(/Reloaded the configuration/);
    },
    async [Symbol.asyncDispose]() {
      await gateway.stop();
      await store.shutdown();
    },
  };
}

async function answer(request: Request): Promise<Response> {
  await new Promise((resolve) => setTimeout(resolve, 20 + 60 * Math.random()));
  const { pathname } = new URL(request.url);
  if (pathname.startsWith("/forbidden")) return new Response("no", { status: 403 });
  if (pathname.startsWith("/dicomwep")) return new Response("no such page", { status: 404 });
  if (pathname.endsWith("/1.2.3")) {
    let timer = 0;
    const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
      start(controller) {
        timer = setInterval(() => controller.enqueue(new Uint8Array(1000)), 100);
      },
      cancel: () => clearInterval(timer),
    });
    return new Response(body, { headers: { "content-type": "multipart/related" } });
  }
  return Response.json([]);
}
