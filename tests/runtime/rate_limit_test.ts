/**
 * The rate limit of a running gateway with several workers.
 */
import assert from "node:assert/strict";
import { startGateway } from "../fixtures/gateway_process.ts";

Deno.test("Running gateway: the rate limit holds over all workers", async () => {
  const stop = new AbortController();
  const store = Deno.serve(
    { hostname: "127.0.0.1", port: 0, signal: stop.signal, onListen: () => {} },
    () => Response.json([]),
  );
  const Url = `http://127.0.0.1:${store.addr.port}`;
  await using gateway = await startGateway({
    Workers: 3,
    RateLimitRequests: 20,
    RateLimitWindowSeconds: 3600,
    Servers: {
      main: { ProviderType: "none", Url },
      free: { ProviderType: "none", Url, RateLimitRequests: 0 },
    },
  });
  const ask = async (path: string) => {
    // A connection of its own for each, so that every worker gets some.
    const response = await fetch(gateway.url + path, { headers: { connection: "close" } });
    await response.body?.cancel();
    return response;
  };
  const passing = async (path: string) => {
    const answers = await Promise.all(Array.from({ length: 60 }, () => ask(path)));
    return answers.filter(({ status }) => status === 200).length;
  };
  assert.equal(await passing("/dicom-web/main/studies"), 20);
  assert.equal(await passing("/dicom-web/free/studies"), 60);
  assert.equal(await passing("/dicomweb-oauth/status"), 20);
  const refused = await ask("/dicom-web/main/studies");
  assert.equal(refused.headers.get("ratelimit-policy"), '"dicomweb";q=20;w=3600');
  const wait = Number(refused.headers.get("retry-after"));
  assert(wait > 100 && wait <= 180, String(wait));
  stop.abort();
  await store.finished;
});
