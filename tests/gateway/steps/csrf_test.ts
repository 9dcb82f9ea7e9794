import assert from "node:assert/strict";
import { Hono } from "hono";
import { refuseCrossSite } from "../../../src/gateway/steps/csrf.ts";
import type { GatewayEnv } from "../../../src/gateway/gateway_env.ts";
import { asGatewayError, problemResponse } from "../../../src/gateway/problem.ts";

/** Method and headers → whether the gateway at gateway:8043 accepts them if viewer.example is allowed. */
const rows: readonly [method: string, headers: Record<string, string>, accepted: boolean][] = [
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
  // Pages send OPTIONS only as a preflight.
  ["OPTIONS", { origin: "https://evil.example" }, false],
  ["OPTIONS", { origin: "https://viewer.example", "access-control-request-method": "GET" }, true],
  ["OPTIONS", { origin: "https://evil.example", "access-control-request-method": "GET" }, false],
  ["OPTIONS", { "sec-fetch-site": "cross-site" }, false],
  ["OPTIONS", {}, true],
  // A page of the gateway itself, from a browser without Fetch Metadata, and behind a proxy with TLS.
  ["POST", { origin: "http://gateway:8043" }, true],
  ["POST", { origin: "https://gateway:8043" }, true],
  ["POST", { origin: "http://gateway:9999" }, false],
  // Fetch Metadata takes precedence.
  ["POST", { origin: "https://pacs.example", "sec-fetch-site": "same-origin" }, true],
  ["POST", { origin: "http://gateway:8043", "sec-fetch-site": "cross-site" }, false],
  ["POST", { origin: "https://a.pacs.example", "sec-fetch-site": "same-site" }, false],
  ["POST", { "sec-fetch-site": "cross-site" }, false],
  ["POST", { "sec-fetch-site": "same-origin" }, true],
  ["POST", { "sec-fetch-site": "none" }, true],
];

/** `Sec-Fetch-Dest` of embedding → whether pages of the gateway's own origin may. */
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

async function statusOf(
  headers: Record<string, string>,
  { method = "GET", allowed = ["https://viewer.example"] } = {},
): Promise<number> {
  const app = new Hono<GatewayEnv>()
    .use(refuseCrossSite({ allowedOrigins: allowed }))
    .all("*", (c) => c.text("stored"))
    .onError((error) => problemResponse(asGatewayError(error), "id"));
  const url = "http://gateway:8043/dicom-web/main/studies";
  const response = await app.request(url, { method, headers });
  const text = await response.text();
  if (method !== "HEAD") assert.match(text, response.status === 200 ? /^stored$/ : /AUTH-004/);
  return response.status;
}

for (const [method, headers, accepted] of rows) {
  Deno.test(`Cross-site requests: ${method} ${JSON.stringify(headers)} is ${accepted ? "accepted" : "rejected"}`, async () => {
    assert.equal(await statusOf(headers, { method }), accepted ? 200 : 403);
  });
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
        const byReferer = { referer: "https://viewer.example/studies?x=1" };
        assert.equal(await statusOf(asks(site, byReferer), { method }), 200, site);
        assert.equal(await statusOf(asks(site), { method, allowed: ["*"] }), 200, site);
      }
    }
    for (const site of ["same-origin", "none"]) {
      assert.equal(await statusOf(asks(site)), isOwnAllowed ? 200 : 403, site);
    }
  });
}

/** Fetch Metadata of requests that do not embed the response in a page of another origin → accepted. */
const UNEMBEDDED: readonly [what: string, headers: Record<string, string>, accepted: boolean][] = [
  ["a script that asks by CORS", { "sec-fetch-dest": "empty", "sec-fetch-mode": "cors" }, true],
  ["a script that asks without CORS", {
    "sec-fetch-dest": "empty",
    "sec-fetch-mode": "no-cors",
  }, false],
  ["a link that is followed", { "sec-fetch-dest": "document", "sec-fetch-mode": "navigate" }, true],
  ["a WebSocket, which another step checks", {
    "sec-fetch-dest": "websocket",
    "sec-fetch-mode": "websocket",
  }, true],
  ["a browser that sends the site only", {}, true],
];

for (const [what, headers, accepted] of UNEMBEDDED) {
  Deno.test(`Cross-site requests: ${what} is ${accepted ? "accepted" : "rejected"}`, async () => {
    for (const site of ["cross-site", "same-site"]) {
      assert.equal(await statusOf({ ...headers, "sec-fetch-site": site }), accepted ? 200 : 403);
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
  assert.equal(await statusOf(headers, { method: "POST", allowed: ["*"] }), 200);
});
