/**
 * Passwords of the token cache, of the proxy, and of proxies in the environment never appear in the output
 * of the gateway.
 */
import assert from "node:assert/strict";
import { within } from "../fixtures/deadline.ts";
import type { ProviderAnswer } from "../fixtures/echoing_provider.ts";
import { startGateway } from "../fixtures/gateway_process.ts";
import { needing } from "../fixtures/installed_tool.ts";
import { REDIS, startRedisServer } from "../fixtures/redis_server.ts";
import { failures } from "./failing_answers.ts";
import { assertNoLeaks, learn, LIMIT_MS, type Parts, Responses, withParts } from "./leak_bench.ts";

Deno.test(needing(REDIS, {
  name: "No password of a cache, a proxy or the environment is revealed, whatever fails",
  fn: () => within(LIMIT_MS, "all failures", withParts(failAround)),
}));

async function failAround(parts: Parts): Promise<void> {
  const { secrets, provider: proxy } = parts;
  const encryptionKey = crypto.getRandomValues(new Uint8Array(32));
  secrets.add("encryption key", encryptionKey);
  const password = secrets.make("password of the proxy", { special: "/+~" });
  const section = (cacheUrl: string, proxyUrl: string) => ({
    LogLevel: "DEBUG",
    LogFormat: "json",
    TokenCache: { Backend: "redis", Url: cacheUrl, EncryptionKey: encryptionKey.toBase64() },
    Proxy: { Url: proxyUrl, Username: "gateway", Password: password },
    Servers: {
      main: {
        Url: "http://store.test/dicom-web",
        TokenEndpoint: "http://idp.test/token",
        ClientId: "gateway",
        ClientSecret: secrets.make("client secret"),
        ResilienceConfig: { RetryMaxAttempts: 1 },
      },
    },
  });
  const env = {
    HTTPS_PROXY: `http://user:${secrets.make("password of the environment")}@proxy.test`,
  };
  const responses = new Responses();
  const redis = await startRedisServer({ password: secrets.make("password of Redis") });
  let output = "";
  {
    await using gateway = await startGateway(section(redis.url, new URL(proxy.url).origin), {
      env,
    });
    // Responses of the store are passed on unchanged, so this one repeats nothing.
    const instead = (answer: ProviderAnswer) =>
      proxy.answer = (shown) =>
        shown.url.hostname === "store.test" ? new Response("stored") : answer(shown);
    const give = proxy.answer;
    for (const [, answer] of failures.slice(0, -1)) {
      instead(answer(parts.grant));
      await responses.askServer(gateway, "main");
    }
    instead(() => new Response(null, { status: 407 }));
    await responses.askServer(gateway, "main");
    instead(give);
    assert.equal(await responses.askServer(gateway, "main"), 200);
    await redis.kill();
    await responses.ask(`${gateway.url}/dicomweb-oauth/servers/main/token`, { method: "DELETE" });
    await responses.askServer(gateway, "main");
    await responses.askPages(gateway);
    await gateway.stop();
    output += gateway.output();
  }
  // A cache with another password, and a proxy that is unreachable.
  const other = await startRedisServer({ password: secrets.make("another password of Redis") });
  const wrong = new URL(redis.url);
  wrong.port = String(other.port);
  {
    const config = section(wrong.href, new URL(parts.closed).origin);
    await using gateway = await startGateway(config, { env, isUnready: true });
    await responses.askServer(gateway, "main");
    await responses.askPages(gateway);
    await gateway.stop("SIGKILL");
    output += gateway.output();
  }
  await other.kill();

  learn(parts);
  assertNoLeaks(parts, `${output}\n${responses}`);
  assert(output.includes("Token cache failed"), "the cache did not fail");
  assert(/WRONGPASS|AUTH failed/i.test(output), "no password was wrong");
  assert(output.includes("HTTPS_PROXY is ignored"), "the environment was not read");
  assert(
    proxy.shown.some(({ headers }) => headers.has("proxy-authorization")),
    "the proxy was not asked with its password",
  );
}
