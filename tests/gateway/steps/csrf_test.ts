import assert from "node:assert/strict";
import { Hono } from "hono";
import { refuseCrossSite } from "../../../src/gateway/steps/csrf.ts";
import type { GatewayEnv } from "../../../src/gateway/gateway_env.ts";
import { asGatewayError, problemResponse } from "../../../src/gateway/problem.ts";

/** Method and headers → whether the gateway at gateway:8043, with viewer.example allowed, takes them. */
const rows: readonly [method: string, headers: Record<string, string>, taken: boolean][] = [
  ["POST", {}, true],
  ["POST", { origin: "https://viewer.example" }, true],
  ["POST", { origin: "https://evil.example" }, false],
  ["POST", { origin: "https://viewer.example.evil.example" }, false],
  ["POST", { origin: "null" }, false],
  ["POST", { origin: "" }, false],
  ["DELETE", { origin: "https://evil.example" }, false],
  ["PUT", { origin: "https://evil.example" }, false],
  ["PATCH", { origin: "https://evil.example" }, false],
  ["GET", { origin: "https://evil.example" }, true],
  ["HEAD", { origin: "https://evil.example" }, true],
  // Only a preflight makes a page send OPTIONS.
  ["OPTIONS", { origin: "https://evil.example" }, false],
  ["OPTIONS", { origin: "https://viewer.example", "access-control-request-method": "GET" }, true],
  ["OPTIONS", { origin: "https://evil.example", "access-control-request-method": "GET" }, false],
  ["OPTIONS", { "sec-fetch-site": "cross-site" }, false],
  ["OPTIONS", {}, true],
  // A page of the gateway's own, as older browsers tell it and as a proxy with TLS makes it.
  ["POST", { origin: "http://gateway:8043" }, true],
  ["POST", { origin: "https://gateway:8043" }, true],
  ["POST", { origin: "http://gateway:9999" }, false],
  // What the browser says itself decides where it does.
  ["POST", { origin: "https://pacs.example", "sec-fetch-site": "same-origin" }, true],
  ["POST", { origin: "http://gateway:8043", "sec-fetch-site": "cross-site" }, false],
  ["POST", { origin: "https://a.pacs.example", "sec-fetch-site": "same-site" }, false],
  ["POST", { "sec-fetch-site": "cross-site" }, false],
  ["POST", { "sec-fetch-site": "same-origin" }, true],
  ["POST", { "sec-fetch-site": "none" }, true],
];

/** What a browser fetches to embed it → whether a page of the gateway's own origin may. */
const EMBEDDED: Readonly<Record<string, boolean>> = {
  audio: true,
  audioworklet: false,
  embed: true,
  fencedframe: true,
  font: true,
  frame: true,
  iframe: true,
  image: true,
  manifest: true,
  object: true,
  paintworklet: false,
  report: true,
  script: false,
  serviceworker: false,
  sharedworker: false,
  style: false,
  track: true,
  video: true,
  "what-comes-next": true,
  worker: false,
  xslt: false,
};

function gateway(allowedOrigins: readonly string[]): Hono<GatewayEnv> {
  const app = new Hono<GatewayEnv>();
  app.use(refuseCrossSite({ allowedOrigins }));
  app.all("*", (c) => c.text("stored"));
  app.onError((error) => problemResponse(asGatewayError(error), "id"));
  return app;
}

for (const [method, headers, taken] of rows) {
  Deno.test(`Cross-site requests: ${method} ${JSON.stringify(headers)} is ${taken ? "accepted" : "rejected"}`, async () => {
    const request = new Request("http://gateway:8043/dicom-web/main/studies", { method, headers });
    const response = await gateway(["https://viewer.example"]).fetch(request);
    const text = await response.text();
    assert.equal(response.status, taken ? 200 : 403);
    if (!taken) assert.match(text, /AUTH-004/);
  });
}

async function statusOf(
  headers: Record<string, string>,
  { method = "GET", allowed = ["https://viewer.example"] } = {},
): Promise<number> {
  const request = new Request("http://gateway:8043/dicom-web/main/studies", { method, headers });
  const response = await gateway(allowed).fetch(request);
  await response.body?.cancel();
  return response.status;
}

for (const [destination, isOwnAllowed] of Object.entries(EMBEDDED)) {
  Deno.test(`Cross-site requests: a foreign page may not embed an answer as ${destination}`, async () => {
    const asks = (site: string, more: Record<string, string> = {}) => ({
      "sec-fetch-dest": destination,
      "sec-fetch-mode": "cors",
      "sec-fetch-site": site,
      ...more,
    });
    for (const method of ["GET", "HEAD"]) {
      for (const site of ["cross-site", "same-site"]) {
        assert.equal(await statusOf(asks(site), { method }), 403, site);
        const evil = { origin: "https://evil.example", referer: "https://viewer.example/" };
        assert.equal(await statusOf(asks(site, evil), { method }), 403, site);
        const named = { origin: "https://viewer.example" };
        assert.equal(await statusOf(asks(site, named), { method }), 200, site);
        const told = { referer: "https://viewer.example/studies?x=1" };
        assert.equal(await statusOf(asks(site, told), { method }), 200, site);
        assert.equal(await statusOf(asks(site), { method, allowed: ["*"] }), 200, site);
      }
    }
    for (const site of ["same-origin", "none"]) {
      assert.equal(await statusOf(asks(site)), isOwnAllowed ? 200 : 403, site);
    }
  });
}

/** Fetch Metadata of requests that show or run nothing of an answer in a foreign page → taken. */
const UNEMBEDDED: readonly [what: string, headers: Record<string, string>, taken: boolean][] = [
  ["a script that asks by CORS", { "sec-fetch-dest": "empty", "sec-fetch-mode": "cors" }, true],
  ["a script that asks without CORS", {
    "sec-fetch-dest": "empty",
    "sec-fetch-mode": "no-cors",
  }, false],
  ["a link that is followed", { "sec-fetch-dest": "document", "sec-fetch-mode": "navigate" }, true],
  ["a WebSocket, judged elsewhere", {
    "sec-fetch-dest": "websocket",
    "sec-fetch-mode": "websocket",
  }, true],
  ["a browser that tells the site only", {}, true],
];

for (const [what, headers, taken] of UNEMBEDDED) {
  Deno.test(`Cross-site requests: ${what} is ${taken ? "accepted" : "rejected"}`, async () => {
    for (const site of ["cross-site", "same-site"]) {
      assert.equal(await statusOf({ ...headers, "sec-fetch-site": site }), taken ? 200 : 403);
    }
  });
}

Deno.test("Cross-site requests: service workers are rejected, even for the gateway's own origin", async () => {
  assert.equal(await statusOf({ "service-worker": "script" }), 403);
  assert.equal(
    await statusOf({ "service-worker": "script", "sec-fetch-site": "same-origin" }),
    403,
  );
});

Deno.test("Cross-site requests: if every origin is allowed, changes by every page are accepted", async () => {
  const headers = { origin: "https://any.example" };
  const request = new Request("http://gateway:8043/", { method: "POST", headers });
  assert.equal((await gateway(["*"]).fetch(request)).status, 200);
});
