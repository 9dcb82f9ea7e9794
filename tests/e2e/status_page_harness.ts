/**
 * A gateway with a server of each kind for the status page: working, store down, wrong secret,
 * rejecting, wrong path, unused, and with a transfer that does not end.
 */
import { type GatewayProcess, startGateway } from "../fixtures/gateway_process.ts";
import { startTokenEndpoint } from "../fixtures/token_endpoint.ts";
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
